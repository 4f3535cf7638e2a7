// The canonical byte string of a ledger row, and its hash: docs/spec/record.md, version 1.
#pragma once

#include "core/bytes.h"
#include "core/sha256.h"

namespace bulla {

struct LedgerId {
  std::array<std::byte, 16> bytes{};  // the ledger's uuid
  bool operator==(const LedgerId&) const = default;
};

// SHA-256(0x00 | record): the link of the chain, and RFC 6962's leaf hash of the record.
using LeafHash = Sha256Digest;

inline constexpr size_t kMaxRecordSize = 65'535;
inline constexpr size_t kMaxChainKeySize = 1'024;
inline constexpr size_t kMaxLiteralSize = 256;  // a longer value is recorded by its digest

// The kind of a column's value in a record.
inline constexpr std::byte kRecordLiteral{0};
inline constexpr std::byte kRecordDigest{1};
inline constexpr std::byte kRecordCommitment{2};

// What stands in a record instead of a value longer than kMaxLiteralSize. False only where SHA-256 fails.
[[nodiscard]] bool DigestValue(Bytes value, Sha256* hasher, Sha256Digest* digest);

// The bytes a record has besides its columns and its chain key.
inline constexpr size_t kRecordFrameSize = 16 + 16 + 4 + 4 + 8 + 32;

// The most that a column can take, given its name's size and the most its value can print.
constexpr size_t ColumnSizeBound(size_t name_size, size_t value_size) {
  const size_t value = value_size > kMaxLiteralSize ? kMaxLiteralSize : value_size;
  return 4 + name_size + 1 + 4 + (value < 32 && value_size > kMaxLiteralSize ? 32 : value);
}

// The same of an erasable column: its commitment has one size, whatever the value's.
constexpr size_t ErasableColumnSize(size_t name_size) { return 4 + name_size + 1 + 4 + 32; }

// Writes one record into a buffer of its own. Order of calls: Begin; Column or Commitment once per
// non-NULL column, in byte order of the names; EndColumns; Finish. Everything before Finish is independent of the
// row's place in the chain, so that it can be done, and hashed, before the chain is locked.
// Trivially destructible: PostgreSQL may raise while one is alive.
class RecordWriter {
 public:
  // Both sizes within their limits, see above; `hasher` digests long values and is free between calls.
  void Begin(const LedgerId& ledger, Bytes chain_key);
  void Column(Bytes name, Bytes value, Sha256* hasher);
  // An erasable column, of which the record has the commitment only (core/openings.h), 32 bytes.
  void Commitment(Bytes name, Bytes commitment);
  void EndColumns();
  void Finish(uint64_t seq, const LeafHash& prev_hash);

  // There is no record of what was to be written.
  void Fail() { ok_ = false; }

  // False once the record passed kMaxRecordSize, a digest failed or Fail was called: then it must not be used.
  bool ok() const { return ok_; }
  // What was written so far, without and with the leading 0x00 of the leaf hash.
  Bytes record() const { return {buffer_.data() + 1, size_ - 1}; }
  Bytes leaf_input() const { return {buffer_.data(), size_}; }

 private:
  std::byte* Reserve(size_t size);
  std::byte* BeginColumn(Bytes name, std::byte kind, size_t value_size);

  size_t size_ = 0;
  size_t count_at_ = 0;
  uint32_t count_ = 0;
  bool ok_ = true;
  std::array<std::byte, 1 + kMaxRecordSize> buffer_;
};

// SHA-256(0x00 | record) of a finished record. False only where SHA-256 itself fails.
[[nodiscard]] bool HashRecord(const RecordWriter& record, Sha256* hasher, LeafHash* hash);

}  // namespace bulla
