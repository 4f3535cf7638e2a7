#include "core/chain_name.h"

namespace bulla {
namespace {

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool NeedsQuotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char c : value) {
    if (c == '"' || c == '\\' || c == '(' || c == ')' || c == ',' || IsSpace(c)) return true;
  }
  return false;
}

void AppendField(std::string_view value, std::string* out) {
  if (!NeedsQuotes(value)) {
    out->append(value);
    return;
  }
  out->push_back('"');
  for (const char c : value) {
    if (c == '"' || c == '\\') out->push_back(c);
    out->push_back(c);
  }
  out->push_back('"');
}

Error BadName(size_t columns) {
  return {Code::kInvalidArgument, "malformed chain name",
          "A chain of this ledger is named by the text of a row of its " + std::to_string(columns) +
              " chain_by columns, such as (a,b)."};
}

// Reads one field up to its ',' or ')'. False where the text ends inside it.
bool ReadField(std::string_view name, size_t* at, std::string* value, bool* present) {
  bool quoted = false;
  for (; *at < name.size(); ++*at) {
    const char c = name[*at];
    if (c == '\\') {
      if (++*at >= name.size()) return false;
      value->push_back(name[*at]);
      *present = true;
    } else if (c == '"') {
      *present = true;
      if (quoted && *at + 1 < name.size() && name[*at + 1] == '"') {
        value->push_back('"');
        ++*at;
      } else {
        quoted = !quoted;
      }
    } else if (!quoted && (c == ',' || c == ')')) {
      return true;
    } else if (!quoted && c == '(') {
      return false;
    } else {
      value->push_back(c);
      *present = true;
    }
  }
  return false;
}

}  // namespace

size_t ChainKeySize(std::span<const std::string_view> values) {
  size_t size = 0;
  for (const std::string_view value : values) size += 4 + value.size();
  return size;
}

void WriteChainKey(std::span<const std::string_view> values, ByteWriter* out) {
  for (const std::string_view value : values) out->PutSized(AsBytes(value));
}

std::string FormatChainName(std::span<const std::string_view> values) {
  if (values.empty()) return {};
  if (values.size() == 1) return std::string(values[0]);
  std::string name = "(";
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) name.push_back(',');
    AppendField(values[i], &name);
  }
  name.push_back(')');
  return name;
}

Result<std::vector<std::string>> ParseChainName(std::string_view name, size_t columns) {
  if (columns == 0) {
    if (name.empty()) return std::vector<std::string>{};
    return Error{Code::kInvalidArgument, "this ledger has a single chain, named ''",
                 "It was created without chain_by."};
  }
  if (columns == 1) return std::vector<std::string>{std::string(name)};

  std::vector<std::string> values;
  size_t at = 0;
  if (name.empty() || name[at++] != '(') return BadName(columns);
  for (bool more = true; more;) {
    std::string value;
    bool present = false;
    if (!ReadField(name, &at, &value, &present) || !present) return BadName(columns);
    more = name[at++] == ',';
    values.push_back(std::move(value));
  }
  if (at != name.size() || values.size() != columns) return BadName(columns);
  return values;
}

}  // namespace bulla
