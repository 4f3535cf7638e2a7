#include "database/conninfo.h"

#include <memory>
#include <string_view>

#include <libpq-fe.h>

namespace bulla::database {
namespace {

// As libpq wants a value to be written.
std::string Quoted(std::string_view value) {
  if (!value.empty() && value.find_first_of(" \t\n'\\") == std::string_view::npos)
    return std::string(value);
  std::string quoted = "'";
  for (const char byte : value) {
    if (byte == '\'' || byte == '\\') quoted += '\\';
    quoted += byte;
  }
  return quoted + "'";
}

}  // namespace

std::optional<Conninfo> ReadConninfo(const std::string& conninfo) {
  char* reason = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(conninfo.c_str(), &reason), PQconninfoFree);
  PQfreemem(reason);
  if (!options) return std::nullopt;
  Conninfo read;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    const std::string_view keyword = option->keyword;
    if (keyword == "user") read.user = option->val;
    if (keyword == "password") read.password = option->val;
    // libpq marks what a form should hide with a star.
    const bool secret = std::string_view(option->dispchar) == "*";
    if (!read.shown.empty()) read.shown += ' ';
    read.shown += std::string(keyword) + "=" + (secret ? "***" : Quoted(option->val));
  }
  return read;
}

}  // namespace bulla::database
