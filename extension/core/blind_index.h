// A blind index: what stands in an index in place of a value, so that equal values can be found without
// being told. docs/spec/blind-index.md.
#pragma once

#include <cstddef>
#include <string>

#include "core/bytes.h"
#include "core/result.h"
#include "core/secret_bytes.h"
#include "core/sha256.h"

namespace bulla {

// Bytes of a blind index of so many bits: a multiple of 8 from 8 to 256, else kInvalidArgument.
Result<size_t> BlindIndexSize(int bits);

// A data key of purpose index. Keeps the key it derived for the context of the last call: a statement has
// mostly one. Not for two threads at once.
class BlindIndexKey {
 public:
  static constexpr size_t kKeySize = 32;
  static constexpr size_t kMaxContextSize = 512;

  // kInvalidArgument unless the key has kKeySize bytes.
  static Result<BlindIndexKey> Create(SecretBytes data_key);

  // Fills `index` (1 to 32 bytes). kInvalidArgument for a context over the limit.
  Result<void> Compute(Bytes context, Bytes value, MutableBytes index);

 private:
  explicit BlindIndexKey(SecretBytes data_key) : data_key_(std::move(data_key)) {}
  Result<void> DeriveFor(Bytes context);

  SecretBytes data_key_;
  SecretBytes context_key_;  // empty before the first call
  std::string context_;      // what it was derived for
  Sha256 hasher_;
};

}  // namespace bulla
