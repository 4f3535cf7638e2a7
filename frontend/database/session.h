// An administrator's connection, for setting up: it runs any SQL and waits as long as that takes.
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "database/connection.h"
#include "database/sql_error.h"

namespace bulla::database {

// The server refused. What it says, in one line.
struct StatementError : std::runtime_error {
  explicit StatementError(const SqlError& error);
};

using Text = std::optional<std::string>;  // nothing for NULL
using Rows = std::vector<std::vector<Text>>;

class Session {
 public:
  // Empty: what libpq's environment says. Throws ConnectError.
  explicit Session(const std::string& conninfo);

  // One statement. Throws StatementError, or ConnectError where the connection is lost.
  Rows Run(const std::string& sql, const std::vector<Text>& parameters = {});
  // Whether a statement has any row.
  bool Finds(const std::string& sql, const std::vector<Text>& parameters = {});

  std::string Quoted(const std::string& identifier);
  // What the server stores in place of a password, so that the password itself never reaches it.
  std::string PasswordVerifier(const std::string& role, const std::string& password);

 private:
  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  [[noreturn]] void Lost();
  std::unique_ptr<pg_conn, Finish> connection_;
};

}  // namespace bulla::database
