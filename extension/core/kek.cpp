#include "core/kek.h"

#include "core/hex.h"
#include "core/hkdf.h"

namespace bulla {

std::string KekId::Text() const {
  std::string text = "file:";
  const size_t begin = text.size();
  text.resize(begin + 2 * bytes.size());
  EncodeHex(bytes, text.data() + begin);
  return text;
}

Result<Kek> Kek::Create(KekProvider provider, SecretBytes key) {
  if (key.size() != kKeySize)
    return Error{Code::kInvalidArgument, "a key-encryption key has 32 bytes"};
  KekId id{provider};
  const Result<void> derived =
      HkdfSha256(key.RevealSecretBytes(), {}, AsBytes("bulla.kek.id.v1"), id.bytes);
  if (!derived.ok()) return derived.error();
  return Kek(id, std::move(key));
}

}  // namespace bulla
