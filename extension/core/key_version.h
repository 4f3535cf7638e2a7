// What a version of a key is: the values of algorithms and purposes in every stored format, and the
// description that a data key is bound to. docs/spec/keys.md.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/bytes.h"
#include "core/result.h"

namespace bulla {

// Bytes in stored formats: a value is never reused or changed. 0 is not a value.
enum class Algorithm : uint8_t {
  kXaes256Gcm = 1,
  kAes256Gcm = 2,
  kAes256CbcHmacSha512 = 3,
  kHmacSha256 = 16,  // of blind indexes; never an envelope's
  kEd25519 = 17,     // of signatures over ledgers; the data key is a seed
};
enum class Purpose : uint8_t {
  kEncrypt = 1,
  kIndex = 2,
  kMac = 3,  // reserved, as are kJwt and kBundle
  kLog = 4,
  kJwt = 5,
  kBundle = 6,
};

// The names of SQL: "XAES-256-GCM", "encrypt". Reserved values have theirs too.
std::string_view Name(Algorithm algorithm);
std::string_view Name(Purpose purpose);

// From SQL, for a key that is to be made by its name. Of purposes what people make keys for, of algorithms what
// keys of the purpose are made with: else kInvalidArgument, and the hint lists what is allowed. Case matters. The
// given text is not repeated in the error.
Result<Purpose> ParsePurpose(std::string_view name);
Result<Algorithm> ParseAlgorithm(std::string_view name, Purpose purpose);

// The purpose of a key that is there: any that this build implements, else kInvalidArgument.
Result<Purpose> ParseStoredPurpose(std::string_view name);

// What a key of a purpose is made with where nobody says.
Algorithm DefaultAlgorithm(Purpose purpose);

// An envelope's algorithm, from a stored byte: kCorrupt when it was never one.
Result<Algorithm> AlgorithmFromByte(std::byte value);

// Bytes of a data key of this algorithm.
size_t DataKeySize(Algorithm algorithm);

// The uuid of a key (all its versions), as PostgreSQL's uuid type stores it.
struct KeyId {
  std::array<std::byte, 16> bytes{};
  bool operator==(const KeyId&) const = default;
};

// The name of one version in every envelope it seals: the first 16 bytes of its commitment.
struct VersionId {
  std::array<std::byte, 16> bytes{};
  auto operator<=>(const VersionId&) const = default;
};

// Versions of a key count from 1.
struct KeyVersion {
  KeyId key;
  uint32_t version = 0;
  Algorithm algorithm = Algorithm::kXaes256Gcm;
  Purpose purpose = Purpose::kEncrypt;
  bool operator==(const KeyVersion&) const = default;
};

}  // namespace bulla
