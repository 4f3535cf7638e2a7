// Removing the first rows of a chain, for good: what is left begins at a recorded boundary.
#pragma once

extern "C" {
#include "postgres.h"
#include "executor/tuptable.h"
}

#include "pg/ledger_relation.h"

namespace bulla {

// Chains are cut where seq is a multiple of this: the tiles of a Merkle tree over a chain have as many leaves.
inline constexpr int64 kPruneUnit = 256;

// True while PruneChain deletes this row: what bulla.refuse_change lets through.
bool IsBeingPruned(const LedgerRelation* ledger, TupleTableSlot* row);

// Removes the rows of the chain with seq below `before`, rounded down to a multiple of kPruneUnit, but never
// the last row, and records the boundary. Returns how many rows it removed. The caller owns the ledger,
// which is locked against other pruning; connected to SPI. Raises data_corrupted where these rows, or
// their link to the first that stays, do not verify; no_data_found where there is no such chain.
int64 PruneChain(Oid ledger, const char* chain, int64 before);

}  // namespace bulla
