// Finds rows of a ledger by chain and seq, through its head index, in whichever partition they are.
#pragma once

extern "C" {
#include "postgres.h"
#include "executor/tuptable.h"
#include "utils/rel.h"
#include "utils/snapshot.h"
}

#include "core/chain_tail.h"
#include "pg/ledger_relation.h"

namespace bulla {

// The last row of a chain that the snapshot sees. With SnapshotSelf it is the last row as of now, this
// transaction's own included: exact under the chain's lock, and without part in serializable conflict
// detection, so reading it never makes a transaction fail.
ChainHead ScanHead(Oid root, ChainValues chain, Snapshot snapshot);

// The same for who has to tell of damage rather than raise it: the last row that has a seq it can have, its
// hash zeros where it has none. Rows without a seq, which stand behind it, are handed to `other`.
ChainHead ScanDamagedHead(Oid root, ChainValues chain, Snapshot snapshot,
                          void (*other)(LedgerRelation* leaf, TupleTableSlot* row, void* state),
                          void* state);

// Calls `found` with each visible row of the chain with first <= seq <= last, in order of seq within a
// partition, its relation open and described.
void ScanRows(Oid root, ChainValues chain, int64 first, int64 last, Snapshot snapshot,
              void (*found)(LedgerRelation* leaf, TupleTableSlot* row, void* state), void* state);

// The tables that hold a ledger's rows: the ledger itself, or its leaf partitions, locked in share mode.
List* LedgerLeaves(Oid root);

// The index on (chain_by, seq) of a table that holds rows of a ledger. Raises
// object_not_in_prerequisite_state where there is none.
Relation OpenHeadIndex(Relation leaf, const LedgerRelation* ledger);

}  // namespace bulla
