#include "core/verifier_key.h"

#include <algorithm>

#include "core/base64.h"
#include "core/hex.h"
#include "core/sha256.h"
#include "core/utf8.h"

namespace bulla {
namespace {

constexpr size_t kIdDigits = 8;
constexpr size_t kMaterialSize = 1 + sizeof(Ed25519PublicKey);  // the type, then the key
constexpr size_t kMaterialTextSize = Base64Size(kMaterialSize);

Error BadText(std::string_view why) {
  return {Code::kInvalidArgument, "malformed verifier key: " + std::string(why),
          "A verifier key looks like example.com/log+c74f20a3+ARpc2Qc…: name, key id, key."};
}

}  // namespace

bool IsKeyName(std::string_view name) {
  if (name.empty()) return false;
  while (!name.empty()) {
    const auto character = TakeCharacter(&name);
    if (!character || *character < 0x20 || *character == U'+' || IsUnicodeSpace(*character))
      return false;
  }
  return true;
}

Result<NoteKeyId> ComputeNoteKeyId(std::string_view name, SignatureType type,
                                   const Ed25519PublicKey& key) {
  const std::array<std::byte, 2> separator = {std::byte{'\n'},
                                              std::byte{static_cast<uint8_t>(type)}};
  Sha256 hasher;
  Sha256Digest digest;
  hasher.Start();
  hasher.Update(AsBytes(name));
  hasher.Update(separator);
  hasher.Update(key.bytes);
  if (!hasher.Finish(&digest)) return ossl::DrainErrors("SHA-256");
  return NoteKeyId{GetU32(digest.bytes.data())};
}

Result<VerifierKey> VerifierKey::Create(std::string_view name, SignatureType type,
                                        const Ed25519PublicKey& key) {
  if (!IsKeyName(name))
    return Error{Code::kInvalidArgument, "not the name of a key",
                 "A key's name is not empty and has neither spaces nor plus signs."};
  const Result<NoteKeyId> id = ComputeNoteKeyId(name, type, key);
  if (!id.ok()) return id.error();
  return VerifierKey(name, id.value(), type, key);
}

// The key's text may have plus signs of its own; names have none.
Result<VerifierKey> VerifierKey::Parse(std::string_view text) {
  const size_t first = text.find('+');
  if (first == text.npos) return BadText("it has no key id");
  const std::string_view rest = text.substr(first + 1);
  if (rest.size() < kIdDigits + 1 || rest[kIdDigits] != '+') return BadText("it has no key");
  std::array<std::byte, 4> id;
  if (!DecodeHex(rest.substr(0, kIdDigits), id))
    return BadText("the key id is not 8 hexadecimal digits");
  const std::string_view material_text = rest.substr(kIdDigits + 1);
  std::array<std::byte, kMaterialSize> material;
  if (material_text.size() != kMaterialTextSize || !DecodeBase64(material_text, material))
    return BadText("the key is not an Ed25519 key in base64");
  const auto type = static_cast<SignatureType>(material[0]);
  if (type != SignatureType::kNote && type != SignatureType::kCosignature)
    return Error{Code::kInvalidArgument, "this type of verifier key is not supported",
                 "Supported: Ed25519 keys of logs (type 01) and of witnesses (type 04)."};
  Ed25519PublicKey key;
  std::copy(material.begin() + 1, material.end(), key.bytes.begin());
  Result<VerifierKey> made = Create(text.substr(0, first), type, key);
  if (made.ok() && made.value().id().value != GetU32(id.data()))
    return BadText("the key id is not that of name and key");
  return made;
}

std::string VerifierKey::ToText() const {
  std::array<std::byte, 4> id;
  PutU32(id.data(), id_.value);
  std::array<std::byte, kMaterialSize> material;
  material[0] = std::byte{static_cast<uint8_t>(type_)};
  std::copy(key_.bytes.begin(), key_.bytes.end(), material.begin() + 1);
  std::array<char, kIdDigits> digits;
  EncodeHex(id, digits.data());
  std::array<char, kMaterialTextSize> material_text;
  EncodeBase64(material, material_text);
  std::string text = name_ + "+";
  text.append(digits.data(), digits.size()).append("+");
  return text.append(material_text.data(), material_text.size());
}

}  // namespace bulla
