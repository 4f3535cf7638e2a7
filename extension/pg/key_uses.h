// Writing down that a key opened a value, where bulla.audit_decrypts asks for it, so that no ROLLBACK and no
// EXCEPTION block undoes it: into shared memory, from where a background worker makes events of it
// (pg/audit_ring.h). Where it finds no room there, where the library is not preloaded, and on a standby, it is a
// line of the server's log: no use is dropped.
//
// What one statement does with one version is counted here. The first time is told at once, before the value is
// handed out; the rest every second, with the next statement that opens something, and when the transaction ends.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "pg/key_access.h"

namespace bulla {

// Registers the transaction callback; once per backend.
void WatchKeyUses();

// To be called once a value was opened, before it is handed out. Raises where not even the log could be written.
void NoteUse(Use use, const KeyId& key, const VersionId& version);

}  // namespace bulla
