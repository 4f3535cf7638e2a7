// From data keys to what is stored of them, and back, by way of whoever holds the KEK.
#pragma once

#include <span>
#include <vector>

#include "core/data_key.h"
#include "kms/kek_list.h"

namespace bulla {

using ByteString = std::vector<std::byte>;

struct PlainKey {
  KeyVersion version;
  const SecretBytes* data_key;
};

// Wraps at most kMaxBatch data keys under this KEK: all or none. Under a KEK without associated data, or
// whose public part anybody may have, the same bytes hold: the commitment judges at unwrapping.
Result<std::vector<ByteString>> WrapDataKeys(KekProvider& kek, std::span<const PlainKey> keys,
                                             Waiter& waiter);

// A key version as stored.
struct StoredKey {
  KeyVersion version;
  Commitment commitment;
  Bytes wrapped;
};

// Unwraps at most kMaxBatch data keys, each under the KEK that wrapped it, with one batch per KEK. One
// answer for each:
//   kFailedPrecondition    no KEK of the list wrapped it (the message names the id)
//   kCorrupt               not a wrapped key, or not the one of this version or commitment
//   kAuthenticationFailed  altered, moved here from another version, or a KEK of the same name that is
//                          another one
//   what the provider said where it could not be asked
// Only kCancelled, and a batch that is too large, are errors of the whole.
Result<std::vector<Result<SecretBytes>>> UnwrapDataKeys(KekList& keks,
                                                        std::span<const StoredKey> keys,
                                                        Waiter& waiter);

// Moves at most kMaxBatch wrapped keys under the first KEK of the list. An error inside is of the one
// key that cannot be unwrapped; one outside means that nothing was wrapped.
Result<std::vector<Result<ByteString>>> RewrapDataKeys(KekList& keks,
                                                       std::span<const StoredKey> keys,
                                                       Waiter& waiter);

}  // namespace bulla
