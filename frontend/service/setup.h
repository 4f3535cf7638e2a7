// What bullad needs in a database, made with an administrator's rights.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "database/session.h"

namespace bulla::service {

struct Setup {
  std::string role;      // that bullad logs in as
  std::string password;  // for it; empty: left as it is
};

using Tell = std::function<void(const std::string&)>;

// A token is handed over just before it begins to count: one that counts and was never seen would be
// worse than one that was seen and does not count. Throws where it cannot be shown.
using HandOver = std::function<void(const std::string& token)>;

// Makes what is missing, all or nothing: the extensions, the role agentidp that owns the second of them,
// bullad's own role, which owns nothing and whose bound parameters the server does not log, and the
// access token "administrator". Told is each thing that was made. Safe to repeat. Throws
// database::StatementError and ConnectError.
void SetUpDatabase(database::Session& session, const Setup& setup, const Tell& tell,
                   const HandOver& hand_over);

struct NewToken {
  std::string name;
  std::vector<std::string> scopes;
  std::optional<std::string> organization;
  std::optional<std::chrono::milliseconds> lifetime;
};

void AddToken(database::Session& session, const NewToken& token, const HandOver& hand_over);
void RevokeToken(database::Session& session, const std::string& name);

}  // namespace bulla::service
