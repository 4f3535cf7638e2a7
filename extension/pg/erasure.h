// Erasing: the one change that a row of a ledger may undergo. An erasable value becomes NULL and its salt
// leaves the openings; commitment, record and hash stay what they are.
#pragma once

extern "C" {
#include "postgres.h"
#include "executor/tuptable.h"
#include "nodes/pg_list.h"
#include "storage/itemptr.h"
#include "utils/rel.h"
}

#include "pg/ledger_relation.h"

namespace bulla {

// True where `after` is `before` with at least one erasable value erased and nothing else changed.
// Generated columns do not count: they follow from the others.
bool IsErasure(const LedgerRelation* ledger, Relation relation, TupleTableSlot* before,
               TupleTableSlot* after);

// True while EraseValues changes this row: what bulla.refuse_change lets through, if it is an erasure.
bool IsBeingErased(Relation relation, ItemPointer row);

// Erases those of the named columns, which are erasable, that have a value. The row is of this table, which
// is locked for writing, and locked by this transaction. Triggers of users fire as in any UPDATE. Returns
// the names of those columns; none changes nothing.
List* EraseValues(Relation relation, ItemPointer row, List* columns);

}  // namespace bulla
