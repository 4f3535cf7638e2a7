#include "database/message_text.h"

#include <libpq-fe.h>

namespace bulla::database {
namespace {

std::string Field(const PGresult* result, int code) {
  const char* const text = PQresultErrorField(result, code);
  return text == nullptr ? "" : text;
}

}  // namespace

std::string OneLine(const char* text) {
  std::string line;
  for (; *text != '\0'; ++text) {
    const bool blank = *text == '\n' || *text == '\t' || *text == ' ';
    if (!blank)
      line += *text;
    else if (!line.empty() && line.back() != ' ')
      line += ' ';
  }
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

SqlError ErrorOf(const pg_result* result) {
  SqlError error{Field(result, PG_DIAG_SQLSTATE), Field(result, PG_DIAG_MESSAGE_PRIMARY),
                 Field(result, PG_DIAG_MESSAGE_DETAIL), Field(result, PG_DIAG_MESSAGE_HINT),
                 Field(result, PG_DIAG_SOURCE_FUNCTION) == "exec_stmt_raise"};
  if (error.sqlstate.empty()) error.message = OneLine(PQresultErrorMessage(result));
  return error;
}

std::string SeverityOf(const pg_result* result) {
  return Field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
}

}  // namespace bulla::database
