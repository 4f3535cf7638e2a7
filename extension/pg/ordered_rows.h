// The rows of a ledger in order of chain and seq, merged over its partitions, each read through its head
// index: nothing is sorted and no more than one row per partition is held.
#pragma once

extern "C" {
#include "postgres.h"
#include "executor/tuptable.h"
#include "utils/snapshot.h"
}

#include "pg/ledger_relation.h"

namespace bulla {

struct RowRange {
  bool one_chain;
  ChainValues chain;  // where one_chain
  int64 first;        // of each chain
  int64 last;
};

// Calls `found` with each visible row of the range, its relation open and described. The chains come in
// the order of the index, the rows of a chain one after the other. Rows without a seq are not among them.
// Raises object_not_in_prerequisite_state where a partition has no head index.
void ReadRowsInOrder(Oid root, const RowRange& range, Snapshot snapshot,
                     void (*found)(LedgerRelation* leaf, TupleTableSlot* row, void* state),
                     void* state);

}  // namespace bulla
