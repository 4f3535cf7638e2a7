// What libpq and the server say, as text.
#pragma once

#include <string>

#include "database/sql_error.h"

struct pg_result;

namespace bulla::database {

// libpq's messages have several lines, indented.
std::string OneLine(const char* text);

// The fields of an error. Where it is libpq that speaks, of a lost connection, there is no SQLSTATE.
SqlError ErrorOf(const pg_result* result);

// ERROR, FATAL, PANIC, or empty where it is libpq that speaks; never translated.
std::string SeverityOf(const pg_result* result);

}  // namespace bulla::database
