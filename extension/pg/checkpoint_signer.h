// Signing checkpoints with the key of this database's log.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "core/key_version.h"
#include "core/tree.h"

namespace bulla {

// In bulla.keys.
inline constexpr char kSigningKeyName[] = "bulla.log";

// A signed note, palloc'd. Raises what reading a key raises.
const char* SignCheckpoint(const char* origin, TreeSize size, const NodeHash& root);

// The version of the key that signs now.
VersionId SigningVersion();

// A note that names the key which signs the checkpoints of this origin from now on, signed by this older version,
// palloc'd: three lines, "bulla.signing-key.v1", the origin and the new key as text.
const char* SignSuccessor(const VersionId& by, const char* origin, const char* successor);

// The public key of an origin as text (C2SP signed-note), palloc'd.
const char* VerifierKeyOf(const char* origin);

// Whether a version of the key that is enabled here signed the note as this origin, which is no secret of its own. The
// key may be changed by nobody else until the end of the transaction.
bool IsSignedByLog(const char* note, const char* origin);

}  // namespace bulla
