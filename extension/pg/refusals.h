// Writing down that a value was not opened, so that no ROLLBACK and no EXCEPTION block undoes it: into shared
// memory, from where a background worker makes events of it (pg/audit_ring.h, pg/audit_workers.h); and where
// there is none, on a standby, and while the worker is away, a line of the server's log.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "pg/key_access.h"
#include "pg/audit_entry.h"

namespace bulla {

// Registers the transaction callback; once per backend.
void WatchRefusals();

// To be called just before the error is raised. Only what somebody asked for by bulla.decrypt and its like
// counts: for another use than kDecrypt nothing is written. `key` and `version` as far as they are known.
void NoteRefusal(Use use, Act act, const KeyId* key, const VersionId* version);

}  // namespace bulla
