// AES-256-GCM (NIST SP 800-38D) message by message over one OpenSSL context: what aes_gcm.h and xaes_gcm.h
// have in common.
#pragma once

#include <cstddef>
#include <span>

#include "core/bytes.h"
#include "core/ossl.h"
#include "core/result.h"

namespace bulla {

class GcmContext {
 public:
  static constexpr size_t kKeySize = 32;
  static constexpr size_t kNonceSize = 12;
  static constexpr size_t kTagSize = 16;

  // False where OpenSSL lacks the algorithm or memory. A null key: each message brings its own.
  bool Create(const std::byte* key);

  // As Aead::Seal and Aead::Open. `key` is kKeySize bytes, or null for the key of Create; the nonce has
  // kNonceSize bytes. `what` names the algorithm in errors.
  Result<void> Seal(const std::byte* key, const std::byte* nonce,
                    std::span<const Bytes> associated_data, Bytes plaintext, MutableBytes sealed,
                    const char* what);
  Result<size_t> Open(const std::byte* key, const std::byte* nonce,
                      std::span<const Bytes> associated_data, Bytes sealed, MutableBytes plaintext,
                      const char* what);

 private:
  bool Start(const std::byte* key, const std::byte* nonce, bool seal, const OSSL_PARAM* params);
  bool AddAssociatedData(std::span<const Bytes> pieces);

  ossl::CipherContext context_;
};

}  // namespace bulla
