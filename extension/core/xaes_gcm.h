// XAES-256-GCM (https://c2sp.org/XAES-256-GCM): AES-256-GCM under a key derived per message, so that
// 192-bit nonces may be random without counting messages.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "core/aead.h"
#include "core/gcm_context.h"

namespace bulla {

class XaesGcm final : public Aead {
 public:
  static constexpr size_t kKeySize = 32;
  static constexpr size_t kNonceSize = 24;
  static constexpr size_t kTagSize = GcmContext::kTagSize;

  // kInvalidArgument unless the key has kKeySize bytes.
  static Result<XaesGcm> Create(const SecretBytes& key);
  XaesGcm(XaesGcm&& other) noexcept = default;
  XaesGcm& operator=(XaesGcm&& other) noexcept = default;
  ~XaesGcm() override;

  static constexpr size_t SealedSize(size_t plaintext_size) { return plaintext_size + kTagSize; }
  // Zero for what is too short to be sealed; check `sealed_size >= kTagSize` first.
  static constexpr size_t OpenedSize(size_t sealed_size) {
    return sealed_size < kTagSize ? 0 : sealed_size - kTagSize;
  }

  Result<void> Seal(Bytes nonce, std::span<const Bytes> associated_data, Bytes plaintext,
                    MutableBytes sealed) override;
  Result<size_t> Open(Bytes nonce, std::span<const Bytes> associated_data, Bytes sealed,
                      MutableBytes plaintext) override;

 private:
  using MessageKey = std::array<std::byte, GcmContext::kKeySize>;

  XaesGcm() = default;
  bool Derive(Bytes nonce, MessageKey* key);

  ossl::CipherContext block_;  // AES-256-ECB under the key: the derivation's block cipher
  GcmContext gcm_;             // re-keyed for each message
  std::array<std::byte, 16> cmac_key_{};  // K1 of the specification; wiped with the object
};

}  // namespace bulla
