// From the columns of an exported row to the record that was hashed, by docs/spec/export.md, "Checking", step 4. The
// row's own record is not looked at.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "verify/export_line.h"

namespace bulla::verify {

class RecordDeriver {
 public:
  explicit RecordDeriver(const LedgerLine* ledger) : ledger_(ledger) {}

  // The record of the row, if its columns and openings are ones that a row can have; else kInvalidArgument, one sentence.
  // The record is valid until the next call.
  Result<void> Derive(const RowLine& row, const LeafHash& prev_hash, Sha256* hasher);
  const RecordWriter& record() const { return record_; }

  // The texts of the chainBy columns and the chain key made of them, of the row that was derived last.
  const std::vector<std::string_view>& chain_values() const { return chain_values_; }
  Bytes chain_key() const { return chain_key_; }

 private:
  Result<void> Match(const RowLine& row);
  Result<void> MakeChainKey();
  Result<void> WriteColumn(size_t index, Sha256* hasher);

  // What the row has of a column of the ledger.
  struct Cell {
    const RowLine::Value* value;
    const RowLine::Opening* opening;
  };

  const LedgerLine* ledger_;
  std::vector<Cell> cells_;
  std::vector<std::string_view> chain_values_;
  std::vector<std::byte> chain_key_;
  RecordWriter record_;
};

}  // namespace bulla::verify
