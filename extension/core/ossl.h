// OpenSSL's objects with owners, and the algorithms fetched once per process (fetching by name costs
// more than hashing a small row). No call site frees an EVP object by hand.
#pragma once

#include <climits>
#include <cstddef>
#include <memory>

#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "core/bytes.h"
#include "core/result.h"

namespace bulla::ossl {

template <auto free_function>
struct Deleter {
  template <class T>
  void operator()(T* object) const {
    free_function(object);
  }
};

using DigestContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Deleter<EVP_CIPHER_CTX_free>>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, Deleter<EVP_MAC_CTX_free>>;
using PrivateOrPublicKey = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using KdfContext = std::unique_ptr<EVP_KDF_CTX, Deleter<EVP_KDF_CTX_free>>;

// Fetched at first use, never freed: OpenSSL's atexit handler runs before static destructors do.
// Null where the provider lacks the algorithm.
const EVP_MD* Sha256();
const EVP_CIPHER* Aes256Ecb();
const EVP_CIPHER* Aes256Cbc();
const EVP_CIPHER* Aes256Gcm();
EVP_MAC* Hmac();
EVP_KDF* Hkdf();

inline unsigned char* Raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }
inline const unsigned char* Raw(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}

// OpenSSL's ciphers count in int; room for a block and a tag is kept.
constexpr bool Fits(size_t size) { return size <= static_cast<size_t>(INT_MAX) - 64; }

// EVP_CipherUpdate over what Fits(). A null `out`: associated data.
bool Update(EVP_CIPHER_CTX* context, std::byte* out, Bytes in);

// "<what> failed" with OpenSSL's own reasons appended; leaves OpenSSL's error queue empty.
Error DrainErrors(const char* what);

}  // namespace bulla::ossl
