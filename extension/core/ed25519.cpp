#include "core/ed25519.h"

#include <openssl/err.h>

namespace bulla {

Result<Ed25519Signer> Ed25519Signer::Create(const SecretBytes& seed) {
  if (seed.size() != kEd25519SeedSize)
    return Error{Code::kInvalidArgument, "the seed of an Ed25519 key has 32 bytes"};
  ossl::PrivateOrPublicKey key(EVP_PKEY_new_raw_private_key(
      EVP_PKEY_ED25519, nullptr, ossl::Raw(seed.RevealSecretBytes().data()), seed.size()));
  Ed25519PublicKey public_key;
  size_t size = public_key.bytes.size();
  if (!key ||
      EVP_PKEY_get_raw_public_key(key.get(), ossl::Raw(public_key.bytes.data()), &size) != 1)
    return ossl::DrainErrors("making an Ed25519 key");
  return Ed25519Signer(std::move(key), public_key);
}

Result<Ed25519Signature> Ed25519Signer::Sign(Bytes message) const {
  const ossl::DigestContext context(EVP_MD_CTX_new());
  Ed25519Signature signature;
  size_t size = signature.bytes.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), ossl::Raw(signature.bytes.data()), &size,
                     ossl::Raw(message.data()), message.size()) != 1)
    return ossl::DrainErrors("signing by Ed25519");
  return signature;
}

Result<bool> VerifyEd25519(const Ed25519PublicKey& public_key, Bytes message,
                           const Ed25519Signature& signature) {
  const ossl::PrivateOrPublicKey key(EVP_PKEY_new_raw_public_key(
      EVP_PKEY_ED25519, nullptr, ossl::Raw(public_key.bytes.data()), public_key.bytes.size()));
  const ossl::DigestContext context(EVP_MD_CTX_new());
  if (!key || !context ||
      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1)
    return ossl::DrainErrors("verifying by Ed25519");
  const int verified =
      EVP_DigestVerify(context.get(), ossl::Raw(signature.bytes.data()), signature.bytes.size(),
                       ossl::Raw(message.data()), message.size());
  ERR_clear_error();  // that a signature is wrong is an answer
  return verified == 1;
}

}  // namespace bulla
