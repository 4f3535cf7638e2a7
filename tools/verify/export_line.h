// The lines of an export (docs/spec/export.md), read strictly: a line that is accepted is the one that bulla.export writes
// for what it says. Whether that is true is judged elsewhere.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/record.h"
#include "core/result.h"

namespace bulla::verify {

enum class LineKind { kLedger, kRow, kChain, kEnd };

// By the line's beginning; nothing where it has none of these.
std::optional<LineKind> KindOf(std::string_view line);

struct LedgerLine {
  struct Column {
    std::string name;
    bool erasable = false;
    bool operator==(const Column&) const = default;
  };

  LedgerId id;
  std::string id_text;
  std::string ledger;
  std::string created_at;
  std::string created_by;
  uint64_t retroactive_rows = 0;
  std::vector<std::string> chain_by;
  std::vector<size_t> chain_by_columns;  // where these stand among the columns
  std::vector<Column> columns;           // in byte order of their names
  std::optional<std::string> chain;      // none: all
  uint64_t from_seq = 0;
  std::optional<uint64_t> to_seq;
};

// The texts point into the line, or into `unescaped`.
struct RowLine {
  struct Value {
    std::string_view name;
    std::string_view text;
  };
  struct Opening {
    std::string_view name;
    std::string_view commitment;  // hexadecimal, or whatever stands there
    std::optional<std::string_view> salt;
  };

  std::string_view chain;
  uint64_t seq = 0;
  std::string_view
      prev_hash;  // hexadecimal, or whatever stands there: a damaged row is told as it is
  std::string_view hash;
  std::vector<Value> values;
  std::vector<Opening> openings;
  std::optional<std::string_view> record;  // base64, or whatever stands there
  std::string unescaped;
};

struct ChainLine {
  std::string chain;
  uint64_t rows = 0;
  uint64_t last_seq = 0;
  std::string last_hash;
};

struct EndLine {
  uint64_t chains = 0;
  uint64_t rows = 0;
  std::string sha256;
};

// Lines without their line feed. kInvalidArgument, with the byte. Of the ledger line the format is known, the uuid is one,
// columns stand in order, and chainBy and erasable name columns.
Result<LedgerLine> ReadLedgerLine(std::string_view line);
// `row` is used again from line to line, and valid as long as the line is.
Result<void> ReadRowLine(std::string_view line, RowLine* row);
Result<ChainLine> ReadChainLine(std::string_view line);
Result<EndLine> ReadEndLine(std::string_view line);

}  // namespace bulla::verify
