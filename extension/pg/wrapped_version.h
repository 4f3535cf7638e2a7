// Key bytes, made and wrapped: what a new version of a key is stored as.
#pragma once

#include "core/data_key.h"
#include "core/key_version.h"
#include "core/result.h"

namespace bulla {

inline constexpr size_t kMaxWrappedSize = 256;

// Nothing in it is secret in the clear.
struct WrappedVersion {
  KeyVersion version;
  Commitment commitment;
  char kek_id[64];
  size_t size;
  std::byte bytes[kMaxWrappedSize];

  Bytes wrapped() const { return {bytes, size}; }
};

// Makes random key bytes for this version and wraps them under the KEK that wraps now. Inside Enter.
Result<WrappedVersion> MakeWrappedVersion(const KeyVersion& version);

}  // namespace bulla
