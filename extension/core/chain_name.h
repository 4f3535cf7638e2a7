// How a chain of a ledger is called: by its key inside a record, by its name towards people and SQL.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"

namespace bulla {

// The bytes that ChainKeySize says: per chain_by value its u32 length and itself; nothing without
// chain_by.
size_t ChainKeySize(std::span<const std::string_view> values);
void WriteChainKey(std::span<const std::string_view> values, ByteWriter* out);

// '' without chain_by, the value's text with one column, else the text of a row as PostgreSQL's
// record type prints it: (a,"b c","say ""hi""").
std::string FormatChainName(std::span<const std::string_view> values);

// The reverse: exactly `columns` values, or kInvalidArgument saying what the name should look like.
// Accepts what PostgreSQL's record type accepts, except NULL fields, which no chain has.
Result<std::vector<std::string>> ParseChainName(std::string_view name, size_t columns);

}  // namespace bulla
