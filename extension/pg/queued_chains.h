// The chains that queued rows of one ledger go to, so that they can be locked before the first is
// inserted, in an order that is the same in every backend.
#pragma once

extern "C" {
#include "postgres.h"
#include "executor/tuptable.h"
}

#include "pg/ledger_relation.h"

namespace bulla {

struct QueuedChains;

// In the current memory context.
QueuedChains* MakeQueuedChains(LedgerRelation* ledger);

// Adds the chain of a row. A row that has none, as when a trigger is still to give it one, adds nothing.
void AddChainOfRow(QueuedChains* chains, TupleTableSlot* row);

// Locks them all until the end of the transaction, or the ledger where they are too many.
void OpenQueuedChains(QueuedChains* chains);

}  // namespace bulla
