// AES-256-GCM (NIST SP 800-38D) under one key with nonces of 96 bits.
#pragma once

#include "core/aead.h"
#include "core/gcm_context.h"

namespace bulla {

// Random nonces are safe for kMessageLimit messages under one key (SP 800-38D, 8.3): whoever seals counts
// them, over all processes.
class AesGcm final : public Aead {
 public:
  static constexpr size_t kKeySize = GcmContext::kKeySize;
  static constexpr size_t kNonceSize = GcmContext::kNonceSize;
  static constexpr size_t kTagSize = GcmContext::kTagSize;
  static constexpr uint64_t kMessageLimit = uint64_t{1} << 32;

  // kInvalidArgument unless the key has kKeySize bytes.
  static Result<AesGcm> Create(const SecretBytes& key);

  Result<void> Seal(Bytes nonce, std::span<const Bytes> associated_data, Bytes plaintext,
                    MutableBytes sealed) override;
  Result<size_t> Open(Bytes nonce, std::span<const Bytes> associated_data, Bytes sealed,
                      MutableBytes plaintext) override;

 private:
  AesGcm() = default;

  GcmContext gcm_;
};

}  // namespace bulla
