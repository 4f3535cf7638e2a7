// Keeps the arguments of audit triggers in the names of now: a rename is followed by oid and number while
// the table lives, but a dump has names alone.
#pragma once

extern "C" {
#include "postgres.h"
}

namespace bulla {

// After columns of an audited table were renamed or dropped, or its triggers were restored.
void RefreshColumns(Oid root);

// After a ledger or a schema was renamed.
void RefreshLedgerNames();

}  // namespace bulla
