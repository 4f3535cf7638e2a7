// Ed25519 (RFC 8032): signatures of checkpoints and cosignatures.
#pragma once

#include <array>

#include "core/ossl.h"
#include "core/result.h"
#include "core/secret_bytes.h"

namespace bulla {

struct Ed25519PublicKey {
  std::array<std::byte, 32> bytes{};
  bool operator==(const Ed25519PublicKey&) const = default;
};
struct Ed25519Signature {
  std::array<std::byte, 64> bytes{};
  bool operator==(const Ed25519Signature&) const = default;
};

inline constexpr size_t kEd25519SeedSize = 32;

// A private key, made from its seed. OpenSSL keeps the copy that it needs in the secure heap and wipes it.
class Ed25519Signer {
 public:
  // kInvalidArgument unless the seed has kEd25519SeedSize bytes.
  static Result<Ed25519Signer> Create(const SecretBytes& seed);

  const Ed25519PublicKey& public_key() const { return public_key_; }
  Result<Ed25519Signature> Sign(Bytes message) const;

 private:
  Ed25519Signer(ossl::PrivateOrPublicKey key, const Ed25519PublicKey& public_key)
      : key_(std::move(key)), public_key_(public_key) {}

  ossl::PrivateOrPublicKey key_;
  Ed25519PublicKey public_key_;
};

// Whether the signature is the key's over the message. False too where the public key is no point of the curve. An error
// only where OpenSSL itself fails.
Result<bool> VerifyEd25519(const Ed25519PublicKey& key, Bytes message,
                           const Ed25519Signature& signature);

}  // namespace bulla
