#include "database/session.h"

#include <new>

#include <libpq-fe.h>

#include "database/message_text.h"

namespace bulla::database {

StatementError::StatementError(const SqlError& error)
    : std::runtime_error(error.message + (error.hint.empty() ? "" : ". " + error.hint)) {}

void Session::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }

Session::Session(const std::string& conninfo) {
  // What stands before dbname can be overridden by the conninfo, what stands behind cannot.
  const char* const names[] = {"connect_timeout", "dbname", "application_name", "client_encoding",
                               nullptr};
  const char* const values[] = {"10", conninfo.c_str(), "bullad", "UTF8", nullptr};
  connection_.reset(PQconnectdbParams(names, values, 1));
  if (!connection_) throw std::bad_alloc();
  if (PQstatus(connection_.get()) != CONNECTION_OK) Lost();
  PQsetNoticeReceiver(
      connection_.get(), [](void*, const PGresult*) {}, nullptr);
}

Rows Session::Run(const std::string& sql, const std::vector<Text>& parameters) {
  std::vector<const char*> values;
  for (const Text& parameter : parameters)
    values.push_back(parameter ? parameter->c_str() : nullptr);
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(
      PQexecParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                   values.data(), nullptr, nullptr, 0),
      PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    const SqlError error = ErrorOf(result.get());
    if (error.sqlstate.empty()) Lost();
    throw StatementError(error);
  }
  Rows rows(static_cast<std::size_t>(PQntuples(result.get())));
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    for (int column = 0; column < PQnfields(result.get()); ++column) {
      Text& text = rows[static_cast<std::size_t>(row)].emplace_back();
      if (PQgetisnull(result.get(), row, column) == 0) text = PQgetvalue(result.get(), row, column);
    }
  }
  return rows;
}

bool Session::Finds(const std::string& sql, const std::vector<Text>& parameters) {
  return !Run(sql, parameters).empty();
}

std::string Session::Quoted(const std::string& identifier) {
  const std::unique_ptr<char, decltype(&PQfreemem)> quoted(
      PQescapeIdentifier(connection_.get(), identifier.data(), identifier.size()), PQfreemem);
  if (!quoted) Lost();
  return quoted.get();
}

std::string Session::PasswordVerifier(const std::string& role, const std::string& password) {
  const std::unique_ptr<char, decltype(&PQfreemem)> verifier(
      PQencryptPasswordConn(connection_.get(), password.c_str(), role.c_str(), nullptr), PQfreemem);
  if (!verifier) Lost();
  return verifier.get();
}

void Session::Lost() {
  throw ConnectError("the database cannot be reached: " +
                     OneLine(PQerrorMessage(connection_.get())));
}

}  // namespace bulla::database
