// SHA-256 (FIPS 180-4) over a context that is made once and reused: a fresh one per call costs as
// much as hashing a short record.
#pragma once

#include <array>

#include "core/bytes.h"
#include "core/ossl.h"

namespace bulla {

struct Sha256Digest {
  std::array<std::byte, 32> bytes{};
  bool operator==(const Sha256Digest&) const = default;
};

// Start, Update any number of times, Finish; Start again at any time, also after abandoning a digest
// half way. Not copyable, not shared between interleaved digests. OpenSSL can only fail here by not
// having the algorithm, or out of memory: then Finish is false and the digest is zeros.
class Sha256 {
 public:
  Sha256();
  void Start();
  void Update(Bytes bytes);
  [[nodiscard]] bool Finish(Sha256Digest* digest);

 private:
  ossl::DigestContext context_;
  bool ok_ = false;
};

}  // namespace bulla
