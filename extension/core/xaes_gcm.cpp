#include "core/xaes_gcm.h"

#include <algorithm>
#include <climits>

#include <openssl/core_names.h>
#include <openssl/params.h>

namespace bulla {
namespace {

constexpr size_t kBlockSize = 16;
constexpr size_t kNonceHalf = 12;  // what goes into the derivation; the rest is GCM's nonce

unsigned char* Raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }
const unsigned char* Raw(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}

// OpenSSL counts in int.
bool Fits(size_t size) { return size <= static_cast<size_t>(INT_MAX) - XaesGcm::kTagSize; }

bool Update(EVP_CIPHER_CTX* context, std::byte* out, Bytes in) {
  int written = 0;
  return EVP_CipherUpdate(context, out == nullptr ? nullptr : Raw(out), &written, Raw(in.data()),
                          static_cast<int>(in.size())) == 1;
}

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

}  // namespace

XaesGcm::~XaesGcm() { Wipe(cmac_key_); }

Result<XaesGcm> XaesGcm::Create(const SecretBytes& key) {
  if (key.size() != kKeySize)
    return Error{Code::kInvalidArgument, "a key of XAES-256-GCM has 32 bytes"};
  XaesGcm cipher;
  cipher.block_.reset(EVP_CIPHER_CTX_new());
  cipher.gcm_.reset(EVP_CIPHER_CTX_new());
  std::array<std::byte, kBlockSize> l{};
  const bool made =
      cipher.block_ && cipher.gcm_ && ossl::Aes256Ecb() && ossl::Aes256Gcm() &&
      EVP_CipherInit_ex2(cipher.block_.get(), ossl::Aes256Ecb(),
                         Raw(key.RevealSecretBytes().data()), nullptr, 1, nullptr) == 1 &&
      EVP_CIPHER_CTX_set_padding(cipher.block_.get(), 0) == 1 &&
      EVP_CipherInit_ex2(cipher.gcm_.get(), ossl::Aes256Gcm(), nullptr, nullptr, 1, nullptr) == 1 &&
      Update(cipher.block_.get(), l.data(), l);  // step 1: L
  if (!made) return ossl::DrainErrors("XAES-256-GCM set-up");
  cipher.cmac_key_ = CmacKey(l);
  Wipe(l);
  return cipher;
}

// Steps 3 to 6: derives the message's key and sets the GCM context to it.
bool XaesGcm::StartMessage(Nonce nonce, bool seal, const OSSL_PARAM* params) {
  std::array<std::byte, 2 * kBlockSize> blocks;  // M1 | M2, then the derived key
  for (size_t i = 0; i < 2; ++i) {
    std::byte* const m = blocks.data() + i * kBlockSize;
    m[0] = std::byte{0};
    m[1] = static_cast<std::byte>(i + 1);
    m[2] = std::byte{'X'};
    m[3] = std::byte{0};
    std::copy_n(nonce.data(), kNonceHalf, m + 4);
    for (size_t j = 0; j < kBlockSize; ++j) m[j] ^= cmac_key_[j];
  }
  const bool started =
      Update(block_.get(), blocks.data(), blocks) &&
      EVP_CipherInit_ex2(gcm_.get(), nullptr, Raw(blocks.data()), Raw(nonce.data() + kNonceHalf),
                         seal ? 1 : 0, params) == 1;
  Wipe(blocks);
  return started;
}

bool XaesGcm::AddAssociatedData(std::span<const Bytes> pieces) {
  return std::all_of(pieces.begin(), pieces.end(), [this](Bytes piece) {
    return piece.empty() || (Fits(piece.size()) && Update(gcm_.get(), nullptr, piece));
  });
}

Result<void> XaesGcm::Seal(Nonce nonce, std::span<const Bytes> associated_data, Bytes plaintext,
                           MutableBytes sealed) {
  if (!Fits(plaintext.size()) || sealed.size() != SealedSize(plaintext.size()))
    return Error{Code::kInvalidArgument, "size of plaintext or output does not fit"};
  std::byte* const tag = sealed.data() + plaintext.size();
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, kTagSize),
      OSSL_PARAM_construct_end()};
  int written = 0;
  if (!StartMessage(nonce, true, nullptr) || !AddAssociatedData(associated_data) ||
      !(plaintext.empty() || Update(gcm_.get(), sealed.data(), plaintext)) ||
      EVP_CipherFinal_ex(gcm_.get(), Raw(tag), &written) != 1 ||
      EVP_CIPHER_CTX_get_params(gcm_.get(), params) != 1)
    return ossl::DrainErrors("XAES-256-GCM encryption");
  return {};
}

Result<void> XaesGcm::Open(Nonce nonce, std::span<const Bytes> associated_data, Bytes sealed,
                           MutableBytes plaintext) {
  if (sealed.size() < kTagSize || !Fits(sealed.size()) ||
      plaintext.size() != OpenedSize(sealed.size()))
    return Error{Code::kInvalidArgument, "size of sealed bytes or output does not fit"};
  const Bytes ciphertext = sealed.first(plaintext.size());
  const Bytes tag = sealed.subspan(plaintext.size());
  // OSSL_PARAM is not const-correct; the tag is only read here.
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG,
                                        const_cast<std::byte*>(tag.data()), kTagSize),
      OSSL_PARAM_construct_end()};
  int written = 0;
  std::byte unused{};  // Final writes nothing, but wants an address
  if (!StartMessage(nonce, false, params) || !AddAssociatedData(associated_data) ||
      !(ciphertext.empty() || Update(gcm_.get(), plaintext.data(), ciphertext))) {
    Wipe(plaintext);
    return ossl::DrainErrors("XAES-256-GCM decryption");
  }
  if (EVP_CipherFinal_ex(gcm_.get(), Raw(&unused), &written) != 1) {
    // GCM has already written what it decrypted.
    Wipe(plaintext);
    ossl::DrainErrors("");
    return Error{Code::kAuthenticationFailed, "authentication failed"};
  }
  return {};
}

}  // namespace bulla
