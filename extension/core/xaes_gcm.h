// XAES-256-GCM (https://c2sp.org/XAES-256-GCM): AES-256-GCM under a key derived per message, so that
// 192-bit nonces may be random without counting messages.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "core/bytes.h"
#include "core/ossl.h"
#include "core/result.h"
#include "core/secret_bytes.h"

namespace bulla {

// One object per key; the key's schedules live in its OpenSSL contexts, which wipe themselves when
// freed. Not for two threads at once. No allocation while sealing or opening succeeds.
class XaesGcm {
 public:
  static constexpr size_t kKeySize = 32;
  static constexpr size_t kNonceSize = 24;
  static constexpr size_t kTagSize = 16;
  using Nonce = std::span<const std::byte, kNonceSize>;

  // kInvalidArgument unless the key has kKeySize bytes. The key may be destroyed afterwards.
  static Result<XaesGcm> Create(const SecretBytes& key);
  XaesGcm(XaesGcm&& other) noexcept = default;
  XaesGcm& operator=(XaesGcm&& other) noexcept = default;
  ~XaesGcm();

  static constexpr size_t SealedSize(size_t plaintext_size) { return plaintext_size + kTagSize; }
  // Zero for what is too short to be sealed; check `sealed_size >= kTagSize` first.
  static constexpr size_t OpenedSize(size_t sealed_size) {
    return sealed_size < kTagSize ? 0 : sealed_size - kTagSize;
  }

  // Writes ciphertext and tag, SealedSize(plaintext.size()) bytes, to `sealed`. The associated data
  // is the concatenation of the pieces. A nonce is used once per key: fresh random bytes. `sealed`
  // may start at the plaintext's own address, and must not overlap it otherwise.
  Result<void> Seal(Nonce nonce, std::span<const Bytes> associated_data, Bytes plaintext,
                    MutableBytes sealed);

  // The inverse: writes OpenedSize(sealed.size()) bytes. kAuthenticationFailed when the key, nonce,
  // associated data, ciphertext or tag is not what was sealed (there is no telling which); then
  // `plaintext` is zeros. The same rule on overlap.
  Result<void> Open(Nonce nonce, std::span<const Bytes> associated_data, Bytes sealed,
                    MutableBytes plaintext);

 private:
  XaesGcm() = default;
  bool StartMessage(Nonce nonce, bool seal, const OSSL_PARAM* params);
  bool AddAssociatedData(std::span<const Bytes> pieces);

  ossl::CipherContext block_;  // AES-256-ECB under the key: the derivation's block cipher
  ossl::CipherContext gcm_;    // AES-256-GCM, re-keyed for each message
  std::array<std::byte, 16> cmac_key_{};  // K1 of the specification; wiped with the object
};

}  // namespace bulla
