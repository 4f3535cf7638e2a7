#include "core/xaes_gcm.h"

#include <algorithm>

namespace bulla {
namespace {

constexpr size_t kBlockSize = 16;
constexpr size_t kNonceHalf = 12;  // what goes into the derivation; the rest is GCM's nonce

using ossl::Raw;
using ossl::Update;

// Step 2 of the specification: the CMAC subkey K1 from L, doubling in GF(2^128).
std::array<std::byte, kBlockSize> CmacKey(const std::array<std::byte, kBlockSize>& l) {
  std::array<std::byte, kBlockSize> k1{};
  for (size_t i = 0; i < kBlockSize; ++i) {
    const std::byte carry = i + 1 < kBlockSize ? l[i + 1] >> 7 : std::byte{0};
    k1[i] = (l[i] << 1) | carry;
  }
  // A mask instead of a branch: the top bit of L is secret.
  const auto top_bit = std::to_integer<unsigned>(l[0] >> 7);
  k1[kBlockSize - 1] ^= std::byte{0x87} & static_cast<std::byte>(0U - top_bit);
  return k1;
}

Error WrongNonce() { return {Code::kInvalidArgument, "a nonce of XAES-256-GCM has 24 bytes"}; }

}  // namespace

XaesGcm::~XaesGcm() { Wipe(cmac_key_); }

Result<XaesGcm> XaesGcm::Create(const SecretBytes& key) {
  if (key.size() != kKeySize)
    return Error{Code::kInvalidArgument, "a key of XAES-256-GCM has 32 bytes"};
  XaesGcm cipher;
  cipher.block_.reset(EVP_CIPHER_CTX_new());
  std::array<std::byte, kBlockSize> l{};
  const bool made =
      cipher.block_ && ossl::Aes256Ecb() && cipher.gcm_.Create(nullptr) &&
      EVP_CipherInit_ex2(cipher.block_.get(), ossl::Aes256Ecb(),
                         Raw(key.RevealSecretBytes().data()), nullptr, 1, nullptr) == 1 &&
      EVP_CIPHER_CTX_set_padding(cipher.block_.get(), 0) == 1 &&
      Update(cipher.block_.get(), l.data(), l);  // step 1: L
  if (!made) return ossl::DrainErrors("XAES-256-GCM set-up");
  cipher.cmac_key_ = CmacKey(l);
  Wipe(l);
  return cipher;
}

// Steps 3 to 6: the message's key.
bool XaesGcm::Derive(Bytes nonce, MessageKey* key) {
  for (size_t i = 0; i < 2; ++i) {  // M1 | M2, then encrypted in place
    std::byte* const m = key->data() + i * kBlockSize;
    m[0] = std::byte{0};
    m[1] = static_cast<std::byte>(i + 1);
    m[2] = std::byte{'X'};
    m[3] = std::byte{0};
    std::copy_n(nonce.data(), kNonceHalf, m + 4);
    for (size_t j = 0; j < kBlockSize; ++j) m[j] ^= cmac_key_[j];
  }
  return Update(block_.get(), key->data(), *key);
}

Result<void> XaesGcm::Seal(Bytes nonce, std::span<const Bytes> associated_data, Bytes plaintext,
                           MutableBytes sealed) {
  if (nonce.size() != kNonceSize) return WrongNonce();
  MessageKey key;
  if (!Derive(nonce, &key)) return ossl::DrainErrors("XAES-256-GCM encryption");
  Result<void> done = gcm_.Seal(key.data(), nonce.data() + kNonceHalf, associated_data, plaintext,
                                sealed, "XAES-256-GCM encryption");
  Wipe(key);
  return done;
}

Result<size_t> XaesGcm::Open(Bytes nonce, std::span<const Bytes> associated_data, Bytes sealed,
                             MutableBytes plaintext) {
  if (nonce.size() != kNonceSize) return WrongNonce();
  MessageKey key;
  if (!Derive(nonce, &key)) {
    Wipe(plaintext);
    return ossl::DrainErrors("XAES-256-GCM decryption");
  }
  Result<size_t> opened = gcm_.Open(key.data(), nonce.data() + kNonceHalf, associated_data, sealed,
                                    plaintext, "XAES-256-GCM decryption");
  Wipe(key);
  return opened;
}

}  // namespace bulla
