// Giving a key one more version.
#pragma once

#include "pg/key_rows.h"

namespace bulla {

// Makes a version of a locked key, which seals or signs from now on, and records that; for an emergency, with the
// reason, else nullptr. Returns its number. Raises object_not_in_prerequisite_state for a key of purpose index and
// one that is destroyed, and what MakeWrappedVersion raises.
int32 AddVersion(const KeyRow& key, const char* emergency);

// The same for keys that anybody rotates: raises wrong_object_type for the signing key, whose old version has to
// sign who its successor is.
int32 RotateKey(const KeyRow& key, const char* emergency);

}  // namespace bulla
