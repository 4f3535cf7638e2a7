#include "core/ossl.h"

#include <openssl/err.h>

namespace bulla::ossl {

const EVP_MD* Sha256() {
  static EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
  return fetched;
}

const EVP_CIPHER* Aes256Ecb() {
  static EVP_CIPHER* const fetched = EVP_CIPHER_fetch(nullptr, "AES-256-ECB", nullptr);
  return fetched;
}

const EVP_CIPHER* Aes256Gcm() {
  static EVP_CIPHER* const fetched = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return fetched;
}

const EVP_CIPHER* Aes256Cbc() {
  static EVP_CIPHER* const fetched = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  return fetched;
}

EVP_MAC* Hmac() {
  static EVP_MAC* const fetched = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  return fetched;
}

EVP_KDF* Hkdf() {
  static EVP_KDF* const fetched = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  return fetched;
}

bool Update(EVP_CIPHER_CTX* context, std::byte* out, Bytes in) {
  int written = 0;
  return EVP_CipherUpdate(context, Raw(out), &written, Raw(in.data()),
                          static_cast<int>(in.size())) == 1;
}

Error DrainErrors(const char* what) {
  Error error{Code::kInternal, std::string(what) + " failed"};
  while (const unsigned long reason = ERR_get_error()) {
    char text[256];
    ERR_error_string_n(reason, text, sizeof text);
    error.message.append(": ").append(text);
  }
  return error;
}

}  // namespace bulla::ossl
