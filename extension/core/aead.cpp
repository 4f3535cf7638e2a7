#include "core/aead.h"

#include <string>
#include <utility>

#include "core/aes_gcm.h"
#include "core/cbc_hmac.h"
#include "core/xaes_gcm.h"

namespace bulla {
namespace {

template <class Cipher>
Result<std::unique_ptr<Aead>> Make(const SecretBytes& key) {
  Result<Cipher> cipher = Cipher::Create(key);
  if (!cipher.ok()) return cipher.error();
  return std::unique_ptr<Aead>(std::make_unique<Cipher>(std::move(cipher).value()));
}

}  // namespace

Result<std::unique_ptr<Aead>> MakeAead(Algorithm algorithm, const SecretBytes& key) {
  switch (algorithm) {
    case Algorithm::kXaes256Gcm:
      return Make<XaesGcm>(key);
    case Algorithm::kAes256Gcm:
      return Make<AesGcm>(key);
    case Algorithm::kAes256CbcHmacSha512:
      return Make<CbcHmac>(key);
    case Algorithm::kHmacSha256:
    case Algorithm::kEd25519:
      break;
  }
  return Error{Code::kInvalidArgument, std::string(Name(algorithm)) + " seals nothing"};
}

}  // namespace bulla
