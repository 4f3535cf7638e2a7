// What bulla.audit_changes asks for before it does anything. Each raises where it does not get it.
#pragma once

extern "C" {
#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"
}

#include "pg/change_settings.h"

namespace bulla {

// The table can have audit triggers, and neither it nor a partition of it has them already.
void CheckCanBeAudited(Relation source);

// Each named column is one, none is named twice; those that are erasable or sealed are recorded; the
// keys to seal with exist, and the current user may use them. Fills in the columns' numbers.
void CheckAuditedColumns(Relation source, const ChangeSettings& settings);

// The relation is a ledger that takes events, and the current user may append to it.
void CheckMayAppendTo(Relation ledger, bool erasable);

// Raises object_not_in_prerequisite_state where changes of a table are recorded in this ledger: without it, nobody
// could write to that table.
void CheckTakesNoChanges(Oid ledger);

}  // namespace bulla
