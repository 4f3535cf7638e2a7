#include "core/kek.h"

#include <string_view>

#include "core/hkdf.h"

namespace bulla {

std::string KekId::Text() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "file:";
  for (const std::byte byte : bytes) {
    text.push_back(kDigits[std::to_integer<size_t>(byte >> 4)]);
    text.push_back(kDigits[std::to_integer<size_t>(byte & std::byte{15})]);
  }
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
