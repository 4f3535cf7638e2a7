// The lines of an export: docs/spec/export.md, version 1. What PostgreSQL has is handed in as texts;
// order, names, counts and digests are decided here.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/openings.h"
#include "core/record.h"
#include "core/result.h"

namespace bulla {

struct ExportColumn {
  std::string_view name;
  std::string_view type;
};

struct ExportHeader {
  std::string_view ledger;  // its name with its schema
  std::string_view ledger_id;
  std::string_view created_at;
  std::string_view created_by;
  int64_t retroactive_rows;
  std::span<const std::string_view> chain_by;
  std::span<const std::string_view> erasable;
  std::span<const ExportColumn> columns;  // in byte order of their names
  std::optional<std::string_view> chain;  // none for all chains
  int64_t first;
  std::optional<int64_t> last;
};

// A column that is not NULL.
struct ExportValue {
  std::string_view name;
  std::string_view text;
};

// Bytes as the table has them: those of a damaged row are told as they are.
struct ExportRow {
  int64_t seq;
  Bytes prev_hash;
  Bytes hash;
  std::span<const ExportValue> values;
  std::span<const Opening> openings;  // in byte order of their names
  std::optional<Bytes> record;        // none where the row has none
};

// One line at a time, without its line end. A line is valid until the next call. Order of calls: Header;
// per chain BeginChain, Row for each row, EndChain; End.
class ExportLines {
 public:
  std::string_view Header(const ExportHeader& header);
  void BeginChain(std::string_view name);
  std::string_view Row(const ExportRow& row);
  std::string_view EndChain();
  // With SHA-256 of all lines before. kInternal where SHA-256 fails.
  Result<std::string_view> End();

 private:
  std::string_view Finish();

  std::string line_;
  Sha256 hasher_;
  std::string chain_;  // as JSON
  int64_t chain_rows_ = 0;
  int64_t last_seq_ = 0;
  std::string last_hash_;  // as JSON
  int64_t rows_ = 0;
  int64_t chains_ = 0;
};

}  // namespace bulla
