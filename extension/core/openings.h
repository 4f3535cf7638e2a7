// The openings of a ledger row: what stands for its erasable values in the record (a commitment each), and
// what shows that a value is the one committed to (a salt each, until the value is erased).
// docs/spec/record.md, "Erasable columns". Everything here is trivially destructible: PostgreSQL may raise
// while it is alive.
#pragma once

#include "core/bytes.h"
#include "core/sha256.h"

namespace bulla {

inline constexpr size_t kSaltSize = 32;
inline constexpr size_t kCommitmentSize = 32;
inline constexpr size_t kOpeningsFrameSize = 1 + 2;  // format, count
inline constexpr size_t kMaxOpenings = 1'600;        // as many columns as a table can have
inline constexpr size_t kMaxOpeningName = 255;

// One value's. Points into the bytes that were read.
struct Opening {
  Bytes name;  // of the column
  Bytes commitment;
  Bytes salt;  // empty once the value is erased

  bool erased() const { return salt.empty(); }
};

constexpr size_t OpeningSize(size_t name_size, bool erased) {
  return 2 + name_size + 1 + kCommitmentSize + (erased ? 0 : kSaltSize);
}

// HMAC-SHA-256(salt, "bulla.commit.v1" 0x00 | length | name | length | value). False only where SHA-256
// itself fails, or the salt has another size.
[[nodiscard]] bool CommitToValue(Bytes salt, Bytes name, Bytes value, Sha256* hasher,
                                 Sha256Digest* commitment);

// Reads openings. The constructor checks them to the last byte; an unknown format, a name out of order, a
// length that does not fit or a byte too many, and ok() is false: then nothing else may be asked.
class OpeningsReader {
 public:
  explicit OpeningsReader(Bytes openings);

  bool ok() const { return ok_; }
  size_t count() const { return count_; }
  bool Next(Opening* opening);  // in byte order of the names; false after the last one
  bool Find(Bytes name, Opening* opening) const;

 private:
  bool Read(Bytes* rest, Opening* opening) const;
  bool Check() const;

  Bytes first_;  // at the first opening
  Bytes rest_;   // at the next one
  size_t count_ = 0;
  bool ok_ = false;
};

// Writes openings into a buffer of the caller's. Names come in byte order, each once.
class OpeningsWriter {
 public:
  explicit OpeningsWriter(MutableBytes out) : out_(out) {
    out_.PutByte(1);
    count_at_ = out_.Reserve(2);
  }
  void Put(const Opening& opening);
  // What was written; empty where it did not fit, or there was no opening at all.
  Bytes Finish();

 private:
  ByteWriter out_;
  std::byte* count_at_;
  uint16_t count_ = 0;
};

// Copies `openings`, which are well-formed, leaving out the salts of those columns for which `erase` is
// true. `out` has the size of `openings`. Returns what was written.
template <class Erase>
Bytes EraseSalts(Bytes openings, MutableBytes out, Erase&& erase) {
  OpeningsReader reader(openings);
  OpeningsWriter writer(out);
  Opening opening;
  while (reader.ok() && reader.Next(&opening)) {
    if (erase(opening)) opening.salt = {};
    writer.Put(opening);
  }
  return writer.Finish();
}

}  // namespace bulla
