// Rows that wait to be inserted into ledgers until the transaction commits or is prepared, so that it
// holds their chains for its commit alone. What a rolled-back savepoint queued is gone with it.
#pragma once

extern "C" {
#include "postgres.h"
#include "utils/rel.h"
}

namespace bulla {

// Queues a row, `values` and `nulls` by attribute, for an open ledger locked in RowExclusiveLock until the
// end of the transaction. The values of Bulla's own, generated and dropped columns are not looked at. It
// is inserted by the current user, with the security context of now and search_path pinned; what that
// may raise (rights, constraints, the wait for the chain), the commit raises. Raises what writing a
// temporary file raises, with nothing queued.
void QueueRow(Relation ledger, const Datum* values, const bool* nulls);

// Inserts what is queued, in the order it was queued, having locked every chain it needs, in one order
// for all backends. At commit; and earlier by who must see the rows, who then holds the chains.
void FlushQueue();

// Whether FlushQueue would insert something.
bool AnyRowQueued() noexcept;

// For the commit: inserts and fires deferred triggers until neither leaves anything to the other. What is
// queued later, by others who take part in the commit, is inserted at once.
void FlushQueueAndFireDeferred();

// Rows of the current subtransaction become its parent's, or are gone.
void EndQueueSubtransaction(bool committed) noexcept;

// The transaction is over; what it held is freed with its memory.
void ForgetQueue() noexcept;

}  // namespace bulla
