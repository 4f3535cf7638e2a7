// AES-256-CBC with HMAC-SHA-512: A256CBC-HS512 of RFC 7518, section 5.2.5.
#pragma once

#include "core/aead.h"
#include "core/ossl.h"

namespace bulla {

// The MAC is checked before anything is decrypted.
class CbcHmac final : public Aead {
 public:
  static constexpr size_t kKeySize = 64;  // the MAC's half first
  static constexpr size_t kNonceSize = 16;
  static constexpr size_t kTagSize = 32;
  static constexpr size_t kBlockSize = 16;

  // kInvalidArgument unless the key has kKeySize bytes.
  static Result<CbcHmac> Create(const SecretBytes& key);

  Result<void> Seal(Bytes nonce, std::span<const Bytes> associated_data, Bytes plaintext,
                    MutableBytes sealed) override;
  Result<size_t> Open(Bytes nonce, std::span<const Bytes> associated_data, Bytes sealed,
                      MutableBytes plaintext) override;

 private:
  using Tag = std::array<std::byte, kTagSize>;

  CbcHmac() = default;
  bool Authenticate(Bytes nonce, std::span<const Bytes> associated_data, Bytes ciphertext,
                    Tag* tag);

  ossl::CipherContext encrypt_;  // the key's schedules differ between the directions
  ossl::CipherContext decrypt_;
  ossl::MacContext hmac_;
};

}  // namespace bulla
