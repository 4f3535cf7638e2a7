// DDL that Bulla itself runs on a ledger: its event triggers let that ledger, and no other, through. Code
// of users that runs meanwhile (index expressions, constraints) gains nothing for other ledgers.
#pragma once

extern "C" {
#include "postgres.h"
}

namespace bulla {

// From BeginOwnDdl until EndOwnDdl, or until the (sub)transaction it was called in is rolled back, the
// event triggers do not judge `table`, nor what was or becomes a partition of it. Calls nest. Raises only
// out_of_memory.
//
//     BeginOwnDdl(ledger);
//     Run("ALTER TABLE …");
//     EndOwnDdl();
void BeginOwnDdl(Oid table);
void EndOwnDdl();

// True for a table that BeginOwnDdl named. The event triggers ask for a partition's ledger themselves.
bool IsOwnDdl(Oid table);
// True where it named any.
bool AnyOwnDdl();

// Installs the callbacks that end what an error interrupted; once per backend.
void WatchOwnDdl();

}  // namespace bulla
