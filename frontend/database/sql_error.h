// What the database's errors mean to a client: the one table from SQLSTATE to HTTP status.
#pragma once

#include <string>

namespace bulla::database {

struct SqlError {
  std::string sqlstate;
  std::string message;
  std::string detail;
  std::string hint;
  // Raised by a function's RAISE, that is on purpose, and not by PostgreSQL itself.
  bool raised = false;
};

struct Meaning {
  int status;
  // Whether the message and the hint were written for the client. Where not, they may tell of the
  // inside and belong into our log only.
  bool told;
  bool retry;  // the same request may succeed a little later
};

Meaning MeaningOf(const SqlError& error);

}  // namespace bulla::database
