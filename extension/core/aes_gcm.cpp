#include "core/aes_gcm.h"

namespace bulla {
namespace {

Error WrongNonce() { return {Code::kInvalidArgument, "a nonce of AES-256-GCM has 12 bytes"}; }

}  // namespace

Result<AesGcm> AesGcm::Create(const SecretBytes& key) {
  if (key.size() != kKeySize)
    return Error{Code::kInvalidArgument, "a key of AES-256-GCM has 32 bytes"};
  AesGcm cipher;
  if (!cipher.gcm_.Create(key.RevealSecretBytes().data()))
    return ossl::DrainErrors("AES-256-GCM set-up");
  return cipher;
}

Result<void> AesGcm::Seal(Bytes nonce, std::span<const Bytes> associated_data, Bytes plaintext,
                          MutableBytes sealed) {
  if (nonce.size() != kNonceSize) return WrongNonce();
  return gcm_.Seal(nullptr, nonce.data(), associated_data, plaintext, sealed,
                   "AES-256-GCM encryption");
}

Result<size_t> AesGcm::Open(Bytes nonce, std::span<const Bytes> associated_data, Bytes sealed,
                            MutableBytes plaintext) {
  if (nonce.size() != kNonceSize) return WrongNonce();
  return gcm_.Open(nullptr, nonce.data(), associated_data, sealed, plaintext,
                   "AES-256-GCM decryption");
}

}  // namespace bulla
