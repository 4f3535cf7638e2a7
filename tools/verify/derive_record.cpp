#include "verify/derive_record.h"

#include "core/chain_name.h"
#include "core/hex.h"
#include "core/openings.h"

namespace bulla::verify {
namespace {

Error Wrong(std::string why) { return {Code::kInvalidArgument, std::move(why)}; }
Error WrongColumn(std::string_view name, std::string_view why) {
  return Wrong("column \"" + std::string(name) + "\" " + std::string(why));
}

}  // namespace

Result<void> RecordDeriver::Derive(const RowLine& row, const LeafHash& prev_hash, Sha256* hasher) {
  if (Result<void> matched = Match(row); !matched.ok()) return matched;
  if (Result<void> made = MakeChainKey(); !made.ok()) return made;
  record_.Begin(ledger_->id, chain_key_);
  for (size_t i = 0; i < cells_.size(); ++i)
    if (Result<void> written = WriteColumn(i, hasher); !written.ok()) return written;
  record_.EndColumns();
  record_.Finish(row.seq, prev_hash);
  if (!record_.ok()) return Wrong("the columns make a record of more than 65,535 bytes");
  return {};
}

// Values and openings stand in the order of the ledger's columns, each at most once.
Result<void> RecordDeriver::Match(const RowLine& row) {
  size_t value = 0;
  size_t opening = 0;
  cells_.clear();
  for (const LedgerLine::Column& column : ledger_->columns) {
    Cell& cell = cells_.emplace_back(Cell{nullptr, nullptr});
    if (value < row.values.size() && row.values[value].name == column.name)
      cell.value = &row.values[value++];
    if (opening < row.openings.size() && row.openings[opening].name == column.name)
      cell.opening = &row.openings[opening++];
  }
  if (value < row.values.size())
    return WrongColumn(row.values[value].name, "is not one of the ledger's, or out of place");
  if (opening < row.openings.size())
    return WrongColumn(row.openings[opening].name, "has an opening that is out of place");
  return {};
}

Result<void> RecordDeriver::MakeChainKey() {
  chain_values_.clear();
  for (const size_t index : ledger_->chain_by_columns) {
    if (cells_[index].value == nullptr)
      return WrongColumn(ledger_->columns[index].name, "names the chain, and is NULL");
    chain_values_.push_back(cells_[index].value->text);
  }
  const size_t size = ChainKeySize(chain_values_);
  if (size > kMaxChainKeySize) return Wrong("the chain's key has more than 1,024 bytes");
  chain_key_.resize(size);
  ByteWriter writer(chain_key_);
  WriteChainKey(chain_values_, &writer);
  return {};
}

Result<void> RecordDeriver::WriteColumn(size_t index, Sha256* hasher) {
  const LedgerLine::Column& column = ledger_->columns[index];
  const auto [value, opening] = cells_[index];
  const Bytes name = AsBytes(column.name);
  if (opening == nullptr) {
    if (value == nullptr) return {};
    if (column.erasable) return WrongColumn(column.name, "has no opening");
    record_.Column(name, AsBytes(value->text), hasher);
    return {};
  }
  if (!column.erasable) return WrongColumn(column.name, "cannot be erased, and has an opening");
  if (opening->salt.has_value() != (value != nullptr))
    return WrongColumn(
        column.name,
        "is neither erased nor there: a text without a salt, or a salt without a text");
  Sha256Digest commitment;
  if (!DecodeHex(opening->commitment, commitment.bytes))
    return WrongColumn(column.name, "has a commitment that is none");
  if (value != nullptr) {
    Sha256Digest computed;
    std::array<std::byte, kSaltSize> salt{};
    if (!DecodeHex(*opening->salt, salt))
      return WrongColumn(column.name, "has a salt that is none");
    if (!CommitToValue(salt, name, AsBytes(value->text), hasher, &computed))
      return Error{Code::kInternal, "SHA-256 failed"};
    if (computed != commitment) return WrongColumn(column.name, "is not what was committed to");
  }
  record_.Commitment(name, commitment.bytes);
  return {};
}

}  // namespace bulla::verify
