#include "core/sha256.h"

namespace bulla {

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  ok_ = context_ && ossl::Sha256() &&
        EVP_DigestInit_ex2(context_.get(), ossl::Sha256(), nullptr) == 1;
}

void Sha256::Start() {
  // A null digest means "the same again", which skips the algorithm's set-up.
  ok_ = context_ && ossl::Sha256() && EVP_DigestInit_ex2(context_.get(), nullptr, nullptr) == 1;
}

void Sha256::Update(Bytes bytes) {
  ok_ = ok_ && EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
}

bool Sha256::Finish(Sha256Digest* digest) {
  unsigned int size = 0;
  ok_ = ok_ &&
        EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest->bytes.data()),
                           &size) == 1 &&
        size == digest->bytes.size();
  if (!ok_) digest->bytes.fill(std::byte{0});
  return ok_;
}

}  // namespace bulla
