// Data keys (DEK): making one, committing to it, wrapping it under a KEK and taking it out again.
// docs/spec/keys.md.
#pragma once

#include <array>
#include <cstddef>

#include "core/bytes.h"
#include "core/kek.h"
#include "core/key_version.h"
#include "core/random.h"
#include "core/result.h"
#include "core/secret_bytes.h"

namespace bulla {

// Binds a data key to its algorithm and purpose. Public: it is stored, and written to the ledger.
struct Commitment {
  std::array<std::byte, 32> bytes{};
  bool operator==(const Commitment&) const = default;

  VersionId version_id() const;
};

// A new random data key of DataKeySize(algorithm) bytes.
Result<SecretBytes> GenerateDataKey(Algorithm algorithm, Random& random);

// HKDF-SHA-256 over the data key; the algorithm and the purpose go into it.
Result<Commitment> CommitToDataKey(const SecretBytes& data_key, Algorithm algorithm,
                                   Purpose purpose);

// What WrapDataKey writes: 125 bytes for a data key of 32.
size_t WrappedKeySize(Algorithm algorithm);

// Seals the data key with its description under the KEK. `wrapped` has just WrappedKeySize() bytes
// and carries the KEK's id in front. kInvalidArgument when the data key's size is not the
// algorithm's, or the version is 0.
Result<void> WrapDataKey(const Kek& kek, const KeyVersion& version, const SecretBytes& data_key,
                         Random& random, MutableBytes wrapped);

// The KEK that wrapped these bytes, without opening them. kCorrupt for anything but a wrapped key.
Result<KekId> WrappedUnder(Bytes wrapped);

// Takes the data key out, if it is the one that belongs to this version and commitment.
//   kFailedPrecondition    another KEK wrapped it (the message names both ids)
//   kCorrupt               not a wrapped key, or not the one of this version or commitment
//   kAuthenticationFailed  altered, or moved here from another version
Result<SecretBytes> UnwrapDataKey(const Kek& kek, const KeyVersion& version,
                                  const Commitment& commitment, Bytes wrapped);

}  // namespace bulla
