// Inserts many rows into one ledger by few statements, as the roles that queued them.
#pragma once

extern "C" {
#include "postgres.h"
#include "access/htup.h"
#include "utils/rel.h"
}

#include "pg/user_scope.h"

namespace bulla {

struct RowInserter;

// For an open ledger; in the current memory context. Between Start and Finish search_path is pg_catalog
// and pg_temp, whoever inserts.
RowInserter* StartInserting(Relation ledger);

// Takes a row, in the form of the ledger's rows. Rows are inserted in the order they come, now or by a
// later call, with everything an INSERT means: rights, row-level security, triggers, constraints.
void InsertRow(RowInserter* inserter, const UserScope& as, MinimalTuple row);

// Inserts what is left.
void FinishInserting(RowInserter* inserter);

}  // namespace bulla
