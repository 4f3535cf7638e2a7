// A key-encryption key: it seals data keys and nothing else. docs/spec/keys.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "core/bytes.h"
#include "core/result.h"
#include "core/secret_bytes.h"

namespace bulla {

// Who holds a KEK. Bytes in stored formats: a value is never reused or changed. 0 is not a value.
enum class KekProvider : uint8_t {
  kFile = 1,
};

// Names a KEK without telling anything about it that is of use; two KEKs never share one.
struct KekId {
  KekProvider provider = KekProvider::kFile;
  std::array<std::byte, 16> bytes{};
  bool operator==(const KekId&) const = default;

  // "file:" and 32 hexadecimal digits.
  std::string Text() const;
};

class Kek {
 public:
  static constexpr size_t kKeySize = 32;

  // kInvalidArgument unless the key has kKeySize bytes.
  static Result<Kek> Create(KekProvider provider, SecretBytes key);

  const KekId& id() const { return id_; }
  const SecretBytes& key() const { return key_; }

 private:
  Kek(const KekId& id, SecretBytes key) : id_(id), key_(std::move(key)) {}

  KekId id_;
  SecretBytes key_;
};

}  // namespace bulla
