// Key-encryption keys: how one is named, and one whose bytes are at hand. It seals data keys and nothing
// else. docs/spec/keys.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "core/bytes.h"
#include "core/random.h"
#include "core/result.h"
#include "core/secret_bytes.h"

namespace bulla {

// Who holds a KEK. Bytes in stored formats: a value is never reused or changed. 0 is not a value.
enum class KekKind : uint8_t {
  kFile = 1,
  kCommand = 2,
  kVault = 3,
  kPkcs11 = 4,
};

// "file", "command", "vault", "pkcs11": what an item of bulla.kek begins with.
std::string_view Name(KekKind kind);

// From a stored byte: kCorrupt when it was never defined.
Result<KekKind> KekKindFromByte(std::byte value);

// Names a KEK without telling anything about it that is of use; two KEKs never share one.
struct KekId {
  KekKind kind = KekKind::kFile;
  std::array<std::byte, 16> bytes{};
  bool operator==(const KekId&) const = default;

  // The kind, ":" and 32 hexadecimal digits.
  std::string Text() const;
};

// The id of a KEK whose bytes nobody sees: from the name that its administrator gave it.
Result<KekId> NamedKekId(KekKind kind, std::string_view name);

class Kek {
 public:
  static constexpr size_t kKeySize = 32;
  // nonce (24) | ciphertext | tag (16)
  static constexpr size_t SealedSize(size_t size) { return 24 + size + 16; }

  // kInvalidArgument unless the key has kKeySize bytes.
  static Result<Kek> Create(KekKind kind, SecretBytes key);

  const KekId& id() const { return id_; }

  // `sealed` has just SealedSize(secret.size()) bytes.
  Result<void> Seal(Bytes associated_data, const SecretBytes& secret, Random& random,
                    MutableBytes sealed) const;

  // kCorrupt for a size that nothing sealed has; kAuthenticationFailed when it was altered, or sealed
  // with other associated data or another KEK.
  Result<SecretBytes> Open(Bytes associated_data, Bytes sealed) const;

 private:
  Kek(const KekId& id, SecretBytes key) : id_(id), key_(std::move(key)) {}

  KekId id_;
  SecretBytes key_;
};

}  // namespace bulla
