// HTTPS by libcurl, which is loaded when it is first used: only in child processes, so that no backend ever
// has it, its threads or its buffers.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/result.h"

namespace bulla {

struct HttpReply {
  long status = 0;
  std::string body;      // at most kMaxReplySize bytes
  long retry_after = 0;  // seconds, 0 where nothing was said
};
inline constexpr size_t kMaxReplySize = size_t{4} << 20;

class HttpsClient {
 public:
  // `ca_file` empty for the system's certificates. kFailedPrecondition where libcurl is not installed.
  static Result<HttpsClient> Create(const std::string& ca_file);

  // Certificates and names are always verified, redirects never followed, proxies of the environment not
  // used. A GET where there is no body. kUnavailable where there is no reply within `limit`;
  // kFailedPrecondition where the certificate is not to be trusted.
  Result<HttpReply> Ask(const std::string& url, const std::vector<std::string>& headers,
                        const std::string* body, std::chrono::milliseconds limit);

 private:
  HttpsClient() = default;
  std::string ca_file_;
  void* handle_ = nullptr;  // lives as long as the process: connections are used again
};

}  // namespace bulla
