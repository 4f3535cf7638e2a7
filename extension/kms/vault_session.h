// Asking Vault's HTTP API: who we are, what is worth another try, and what its answers mean. In a child
// process only (kms/remote_task.h): nothing here is wiped, it all goes with the process.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "core/result.h"
#include "kms/https_client.h"
#include "kms/vault_settings.h"

namespace bulla {

class VaultSession {
 public:
  using Clock = std::chrono::steady_clock;

  // `kept` is the token of an earlier session, empty for none.
  VaultSession(const VaultSettings& settings, std::string data_directory,
               Clock::time_point deadline, std::string kept, bool renew);

  // POSTs to PATH under /v1/. Logs in where that is needed, and once more where Vault does not know the
  // token any more; tries again what may be better in a moment (no connection, 412, 429, 5xx), at most
  // kMaxTries times and until the deadline. The body of a 200, or of a 400 that has results in it.
  Result<nlohmann::json> Post(const std::string& path, const nlohmann::json& body);

  // Renews the session's token where half of its time is over. What goes wrong is only noted.
  void RenewIfDue();

  // What the next session may begin with, and for how long.
  const std::string& token() const { return token_; }
  uint32_t token_seconds() const { return token_seconds_; }

 private:
  static constexpr int kMaxTries = 4;

  Result<HttpReply> AskOften(const std::string& path, const std::string* body, bool with_token);
  Result<HttpReply> AskOnce(const std::string& path, const std::string* body, bool with_token);
  Result<void> Authenticate();
  Result<void> LogIn();
  Result<std::string> ReadLine(const char* what, const std::string& path) const;
  bool WaitBefore(int next_try, long retry_after) const;
  std::chrono::milliseconds Left() const;

  VaultSettings settings_;
  std::string data_directory_;
  Clock::time_point deadline_;
  std::string token_;
  uint32_t token_seconds_ = 0;
  bool renew_;
  std::optional<HttpsClient> client_;
};

}  // namespace bulla
