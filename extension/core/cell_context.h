// The context that a value of a protected column is sealed with, which binds it to its column and row:
// docs/spec/cell.md, version 1.
#pragma once

#include "core/bytes.h"
#include "core/record.h"
#include "core/sha256.h"

namespace bulla {

// The uuid of a column's protection: the same for all partitions, and in every copy of the table.
struct CellId {
  std::array<std::byte, 16> bytes{};
  bool operator==(const CellId&) const = default;
};

inline constexpr size_t kMaxBoundColumns = 16;
inline constexpr size_t kMaxBoundNameSize = 63;

// Writes one context into a buffer of its own: Begin, then Column once per bound column in the order in
// which they were bound. Trivially destructible: PostgreSQL may raise while one is alive.
class CellContextWriter {
 public:
  void Begin(const CellId& id);
  // The name is that of the moment when the column was bound; the value its text as in a record.
  // `hasher` digests long values and is free between calls.
  void Column(Bytes name, Bytes value, Sha256* hasher);

  // False once there were too many columns, a name was too long or a digest failed.
  bool ok() const { return ok_; }
  Bytes context() const { return {buffer_.data(), size_}; }

 private:
  size_t size_ = 0;
  bool ok_ = true;
  std::array<std::byte,
             14 + 16 + kMaxBoundColumns*(4 + kMaxBoundNameSize + 1 + 4 + kMaxLiteralSize)>
      buffer_;
};

}  // namespace bulla
