// Authenticated encryption with associated data, as envelopes use it: one interface, an implementation per
// algorithm, and the sizes that each of them needs.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "core/bytes.h"
#include "core/key_version.h"
#include "core/result.h"
#include "core/secret_bytes.h"

namespace bulla {

// What an algorithm adds to a plaintext.
struct AeadShape {
  size_t nonce;  // random bytes, a fresh draw for each message
  size_t tag;
  size_t
      block;  // a plaintext is padded to the next multiple of it, by at least one byte; 1: not at all

  constexpr size_t SealedSize(size_t plaintext) const {
    return (block == 1 ? plaintext : (plaintext / block + 1) * block) + tag;
  }
  // Room to open sealed bytes of this size in: all but the tag, of which padding may be the last.
  constexpr size_t OpenedRoom(size_t sealed) const { return sealed < tag ? 0 : sealed - tag; }
  constexpr bool HasSealedSize(size_t sealed) const {
    return sealed >= SealedSize(0) && (sealed - tag) % block == 0;
  }
};

constexpr AeadShape ShapeOf(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kXaes256Gcm:
      return {24, 16, 1};
    case Algorithm::kAes256Gcm:
      return {12, 16, 1};
    case Algorithm::kAes256CbcHmacSha512:
      return {16, 32, 16};
    case Algorithm::kHmacSha256:
    case Algorithm::kEd25519:
      break;  // seal nothing
  }
  return {0, 0, 1};
}

// One object per key. The key's schedules live in OpenSSL contexts, which wipe themselves when freed. Not
// for two threads at once; no allocation while sealing or opening succeeds.
class Aead {
 public:
  virtual ~Aead() = default;

  // Writes ShapeOf().SealedSize(plaintext.size()) bytes to `sealed`: ciphertext and tag. The associated data
  // is the concatenation of the pieces. `sealed` may start at the plaintext's own address, and must not
  // overlap it otherwise. kInvalidArgument when a size does not fit.
  virtual Result<void> Seal(Bytes nonce, std::span<const Bytes> associated_data, Bytes plaintext,
                            MutableBytes sealed) = 0;

  // The inverse. `plaintext` has OpenedRoom(sealed.size()) bytes; returns how many of them, from the first,
  // are the plaintext. kAuthenticationFailed when the key, nonce, associated data, ciphertext or tag is not
  // what was sealed (there is no telling which); then `plaintext` is zeros. kInvalidArgument when a size does
  // not fit. The same rule on overlap.
  virtual Result<size_t> Open(Bytes nonce, std::span<const Bytes> associated_data, Bytes sealed,
                              MutableBytes plaintext) = 0;

 protected:
  Aead() = default;
  Aead(const Aead&) = default;
  Aead& operator=(const Aead&) = default;
};

// kInvalidArgument unless the key has DataKeySize(algorithm) bytes. The key may be destroyed afterwards.
Result<std::unique_ptr<Aead>> MakeAead(Algorithm algorithm, const SecretBytes& key);

}  // namespace bulla
