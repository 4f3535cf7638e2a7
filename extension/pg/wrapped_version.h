// Data keys under the KEKs of bulla.kek: made, and moved from one to another. Nothing secret leaves here.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "core/data_key.h"

namespace bulla {

// A version as it is stored. Nothing in it is secret in the clear.
struct WrappedVersion {
  KeyVersion version;
  Commitment commitment;
  const char* kek_id;  // palloc'd, as are the bytes
  Bytes wrapped;
};

// Makes random key bytes for this version and wraps them under the KEK that wraps now. Raises, so not
// inside Enter.
WrappedVersion MakeWrappedVersion(const KeyVersion& version);

// The id of the first KEK: the one that wraps.
const char* WrappingKekId();

// Moves wrapped keys under the first KEK: reads version, commitment and wrapped of each item and sets the
// rest. At most kMaxRewrapped items, in one batch per KEK. Raises where the first KEK cannot be asked; what
// concerns one key alone is its `problem`, and its `rewrapped` is empty.
inline constexpr int kMaxRewrapped = 64;
struct RewrapItem {
  KeyVersion version;
  Commitment commitment;
  Bytes wrapped;
  Bytes rewrapped;      // palloc'd
  const char* problem;  // palloc'd, nullptr where there is none
};
const char* RewrapVersions(RewrapItem* items, int count);  // returns the first KEK's id

}  // namespace bulla
