// Data keys (DEK): making one, committing to it, and the structure in which a KEK seals it.
// docs/spec/keys.md.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

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

// What a KEK seals: the description of the version, then the data key. kInvalidArgument when the data
// key's size is not the algorithm's, or the version is 0.
Result<SecretBytes> JoinStructure(const KeyVersion& version, const SecretBytes& data_key);

// Takes the data key out of an opened structure, if it is the one of this version and commitment;
// kCorrupt otherwise. A KMS without associated data has only this check, and who holds the public part
// of a KEK can wrap anything: the commitment is what says no.
Result<SecretBytes> TakeDataKey(const SecretBytes& structure, const KeyVersion& version,
                                const Commitment& commitment);

// What the sealed structure is bound to, where the provider of the KEK can bind it to anything.
using WrapBinding = std::array<std::byte, 67>;
WrapBinding BindTo(const KekId& kek, const KeyVersion& version);

// The stored form: format, provider and id of the KEK, and what the provider made of the structure.
std::vector<std::byte> JoinWrapped(const KekId& kek, Bytes sealed);

// Its parts, unopened. kCorrupt for anything but a wrapped key.
struct WrappedParts {
  KekId kek;
  Bytes sealed;
};
Result<WrappedParts> SplitWrapped(Bytes wrapped);

}  // namespace bulla
