// Changes of the rows of bulla.key_versions, needing no rights of the caller. They are written without a
// plan: plans hold constants, and debugging settings print plans into logs that outlive a destroyed key.
// Whoever changes a version of a key that is there has locked the key (pg/key_rows.h).
#pragma once

#include "core/key_state.h"
#include "pg/key_rows.h"
#include "pg/wrapped_version.h"

namespace bulla {

// Adds an enabled version, and its count of messages where its algorithm needs one. Raises what NoteKek
// raises.
void InsertVersion(const WrappedVersion& version);

// Makes the change where it is legal; where it destroys, the key bytes go. Raises
// object_not_in_prerequisite_state where it is not.
void ChangeVersion(const KeyRow& version, KeyChange change);

// Puts the same key bytes there, wrapped under another KEK. Raises what NoteKek raises.
void ReplaceWrapped(const KeyRow& version, const char* kek_id, Bytes wrapped);

// The version seals no more, and opens as before.
void RequireRotation(const KeyRow& version);

}  // namespace bulla
