#include "core/hkdf.h"

#include <array>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "core/ossl.h"

namespace bulla {
namespace {

OSSL_PARAM OctetParam(const char* name, Bytes bytes) {
  // OSSL_PARAM is not const-correct; HKDF only reads.
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::byte*>(bytes.data()),
                                           bytes.size());
}

}  // namespace

Result<void> HkdfSha256(Bytes key, Bytes salt, Bytes info, MutableBytes out) {
  const ossl::KdfContext context(ossl::Hkdf() ? EVP_KDF_CTX_new(ossl::Hkdf()) : nullptr);
  if (!context) return ossl::DrainErrors("HKDF set-up");
  char digest[] = "SHA2-256";
  std::array<OSSL_PARAM, 5> params{};
  size_t count = 0;
  params[count++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
  params[count++] = OctetParam(OSSL_KDF_PARAM_KEY, key);
  // Not giving a salt and giving an empty one is the same to RFC 5869, but not to every OpenSSL.
  if (!salt.empty()) params[count++] = OctetParam(OSSL_KDF_PARAM_SALT, salt);
  if (!info.empty()) params[count++] = OctetParam(OSSL_KDF_PARAM_INFO, info);
  params[count] = OSSL_PARAM_construct_end();
  if (EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(out.data()), out.size(),
                     params.data()) != 1)
    return ossl::DrainErrors("HKDF");
  return {};
}

}  // namespace bulla
