#include "core/gcm_context.h"

#include <algorithm>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "core/secret_bytes.h"

namespace bulla {

using ossl::Fits;
using ossl::Raw;

bool GcmContext::Create(const std::byte* key) {
  context_.reset(EVP_CIPHER_CTX_new());
  return context_ && ossl::Aes256Gcm() &&
         EVP_CipherInit_ex2(context_.get(), ossl::Aes256Gcm(), Raw(key), nullptr, 1, nullptr) == 1;
}

bool GcmContext::Start(const std::byte* key, const std::byte* nonce, bool seal,
                       const OSSL_PARAM* params) {
  return EVP_CipherInit_ex2(context_.get(), nullptr, Raw(key), Raw(nonce), seal ? 1 : 0, params) ==
         1;
}

bool GcmContext::AddAssociatedData(std::span<const Bytes> pieces) {
  return std::all_of(pieces.begin(), pieces.end(), [this](Bytes piece) {
    return piece.empty() || (Fits(piece.size()) && ossl::Update(context_.get(), nullptr, piece));
  });
}

Result<void> GcmContext::Seal(const std::byte* key, const std::byte* nonce,
                              std::span<const Bytes> associated_data, Bytes plaintext,
                              MutableBytes sealed, const char* what) {
  if (!Fits(plaintext.size()) || sealed.size() != plaintext.size() + kTagSize)
    return Error{Code::kInvalidArgument, "size of plaintext or output does not fit"};
  std::byte* const tag = sealed.data() + plaintext.size();
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, kTagSize),
      OSSL_PARAM_construct_end()};
  int written = 0;
  if (!Start(key, nonce, true, nullptr) || !AddAssociatedData(associated_data) ||
      !(plaintext.empty() || ossl::Update(context_.get(), sealed.data(), plaintext)) ||
      EVP_CipherFinal_ex(context_.get(), Raw(tag), &written) != 1 ||
      EVP_CIPHER_CTX_get_params(context_.get(), params) != 1)
    return ossl::DrainErrors(what);
  return {};
}

Result<size_t> GcmContext::Open(const std::byte* key, const std::byte* nonce,
                                std::span<const Bytes> associated_data, Bytes sealed,
                                MutableBytes plaintext, const char* what) {
  if (sealed.size() < kTagSize || !Fits(sealed.size()) ||
      plaintext.size() != sealed.size() - kTagSize)
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
  if (!Start(key, nonce, false, params) || !AddAssociatedData(associated_data) ||
      !(ciphertext.empty() || ossl::Update(context_.get(), plaintext.data(), ciphertext))) {
    Wipe(plaintext);
    return ossl::DrainErrors(what);
  }
  if (EVP_CipherFinal_ex(context_.get(), Raw(&unused), &written) != 1) {
    // GCM has already written what it decrypted.
    Wipe(plaintext);
    ossl::DrainErrors("");
    return Error{Code::kAuthenticationFailed, "authentication failed"};
  }
  return plaintext.size();
}

}  // namespace bulla
