// The keys that this backend has unwrapped.
//
// A key is unwrapped at its first use in a backend and kept for bulla.key_cache_ttl. Each call first accepts
// the invalidations that other backends sent; where anything about keys has changed, the rows of all that is
// kept are read again, and what is not enabled any more is wiped. So what a committed transaction disabled or
// destroyed is gone at the next call, inside an open transaction and a long statement too, and the rest goes
// on working though the KEK's provider be away. A transaction that hears of a change and makes no such call
// wipes everything at its end.
#pragma once

extern "C" {
#include "postgres.h"
}

#include <string_view>

#include "pg/key_access.h"
#include "pg/key_unwrap.h"

namespace bulla {

// The primary version of a key, or the version that an envelope names, where the current user may use the key
// so. Valid until the next call, or until invalidations are accepted. Raises undefined_object for an unknown
// key or version, what RequireUse raises before anything is unwrapped, object_not_in_prerequisite_state where
// it is disabled or destroyed or the KEK is absent or another one, system_error where the KEK's provider
// cannot be reached, naming key or setting.
const UnwrappedKey& PrimaryKey(std::string_view key_name, Use use);
const UnwrappedKey& KeyOfVersion(const VersionId& version, Use use);

// What opens a version's values: KeyOfVersion with a cipher.
const UnwrappedKey& OpeningKey(const VersionId& version, Use use);

// Ciphers, and what indexes; these raise wrong_object_type for a key of another purpose.
EnvelopeCipher* PrimaryCipher(std::string_view key_name, Use use);
// For who seals with it now: raises object_not_in_prerequisite_state where it has to be rotated first.
EnvelopeCipher* PrimaryCipherToSeal(std::string_view key_name, Use use);
BlindIndexKey* IndexKey(std::string_view key_name, Use use);

// What signing keys are derived from; likewise. Bulla alone uses it: nobody's rights are asked.
const SecretBytes& PrimarySeed(std::string_view key_name);
const SecretBytes& SeedOfVersion(const VersionId& version);

}  // namespace bulla
