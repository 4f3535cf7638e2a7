// Who may use which key: asked of bulla.key_grants at every use, and answered from memory until keys,
// grants or roles change.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "core/key_version.h"

namespace bulla {

// What a role is granted for a key. kNone asks nobody: for what a trigger does on behalf of who made it and
// was asked then, and for the administration of keys, which EXECUTE on its functions is the right to.
enum class Use { kEncrypt, kDecrypt, kIndex, kNone };

// "encrypt", "decrypt", "index": as bulla.key_grants has them.
const char* Name(Use use);

// Registers the invalidation callbacks; once per backend.
void WatchKeyAccess();

// Whether it is known, without reading a table, that the current user may. Accept invalidations first.
bool KnowsMayUse(const KeyId& key, Use use);

// Raises insufficient_privilege, naming the key, unless the current user is a superuser or has the
// privileges of a role that was granted this use, or PUBLIC was. May accept invalidations, which take
// unwrapped keys out of memory.
void RequireUse(const KeyId& key, const char* key_name, Use use);

}  // namespace bulla
