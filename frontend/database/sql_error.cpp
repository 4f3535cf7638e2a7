#include "database/sql_error.h"

#include <string_view>

namespace bulla::database {
namespace {

struct Row {
  std::string_view prefix;  // of the SQLSTATE
  int status;
  // The code is PostgreSQL's own too: a function that bullad may not execute is 42501 as well, and
  // that is our mistake, not the client's.
  bool only_raised = false;
};

// The first row that fits counts.
constexpr Row kRows[] = {
    {"28000", 401, true},  // no such token, or one that has ended
    {"42501", 403, true},  // the token's scopes do not allow it
    {"P0002", 404},        // no data found
    {"23505", 409},        // unique violation
    {"55000", 409},        // object not in prerequisite state
    {"54000", 413},        // program limit exceeded
    {"22", 400},           // data exception
    {"08", 503},           // connection exception
    {"25006", 503},        // read-only transaction: a standby, or one that is being promoted
    {"40001", 503},        // serialization failure
    {"40P01", 503},        // deadlock
    {"53", 503},           // insufficient resources
    {"55P03", 503},        // lock not available
    {"57014", 503},        // canceled: the deadline
    {"57P0", 503},         // shutdown, crash, cannot connect now
};

}  // namespace

Meaning MeaningOf(const SqlError& error) {
  for (const Row& row : kRows) {
    if (!error.sqlstate.starts_with(row.prefix)) continue;
    if (row.only_raised && !error.raised) break;
    return {row.status, row.status < 500, row.status == 503};
  }
  return {500, false, false};
}

}  // namespace bulla::database
