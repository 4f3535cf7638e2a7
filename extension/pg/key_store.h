// The keys that this backend has unwrapped.
//
// A key is unwrapped at its first use in a backend and kept until anything about keys changes: each call
// first accepts the invalidations that other backends sent, so what a committed transaction disabled or
// destroyed is gone at the next call, inside an open transaction and a long statement too.
#pragma once

extern "C" {
#include "postgres.h"
}

#include <string_view>

#include "core/envelope.h"
#include "core/kek.h"

namespace bulla {

// Registers the invalidation callback; once per backend. Loads no key.
void WatchKeys();

// The cipher of the primary version of a key, or of the version that an envelope names. Valid until the
// next call. Raises undefined_object for an unknown key or version, object_not_in_prerequisite_state
// where it is disabled or destroyed or the KEK is absent or another one, naming key or setting.
EnvelopeCipher* PrimaryCipher(std::string_view key_name);
EnvelopeCipher* CipherOfVersion(const VersionId& version);

// The KEK that bulla.kek names, read from its file; kept nowhere. Call inside Enter.
Result<Kek> LoadKek();

}  // namespace bulla
