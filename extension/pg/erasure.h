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

// The names of the erasable columns whose values `after` lacks, where that is all that tells it from
// `before`; NIL where it is not, or the same. Generated columns do not count: they follow from the others.
List* ErasedColumns(const LedgerRelation* ledger, Relation relation, TupleTableSlot* before,
                    TupleTableSlot* after);

// The same of an UPDATE that a replication worker brings: it may come again by a second subscription, or later
// than another erasure of the row. What is erased in either row is to be erased, so `columns` are those that
// `before` has and `after` lacks, NIL where there is nothing left to do. False where it is no erasure.
bool IsArrivingErasure(const LedgerRelation* ledger, Relation relation, TupleTableSlot* before,
                       TupleTableSlot* after, List** columns);

// The row as it is without the values of these columns. palloc'd.
HeapTuple ErasedRow(const LedgerRelation* ledger, TupleTableSlot* row, List* columns);

// True while EraseValues changes this row: what bulla.refuse_change lets through, if it is an erasure.
bool IsBeingErased(Relation relation, ItemPointer row);

// Erases those of the named columns, which are erasable, that have a value. The row is of this table, which
// is locked for writing, and locked by this transaction. Row triggers of users fire as in any UPDATE, as they do
// where logical replication applies one; those of statements do not. Returns the names of those columns; none
// changes nothing.
List* EraseValues(Relation relation, ItemPointer row, List* columns);

// The event that makes an erasure a recorded one.
void RecordErasure(const LedgerRelation* ledger, const char* chain, int64 seq, List* columns,
                   const char* reason);

// The same of a row that a replication worker brings, erased as it was at the publisher.
void RecordPublishersErasure(const LedgerRelation* ledger, const Datum* values, const bool* nulls,
                             List* columns);

}  // namespace bulla
