// What happens to open chains when a transaction ends: the path to a commit that neither forks nor waits
// for another's flush.
//
//   PRE_COMMIT  queued rows are inserted (pg/append_queue.h); every drawn row was inserted;
//             the commit itself is made asynchronous
//   COMMIT    the commit record is in the log: heads are published, locks released, and only then
//             the log is flushed and standbys waited for, as the session's synchronous_commit asked
//   ABORT     heads are forgotten; PostgreSQL releases the locks
//   PREPARE   queued rows are inserted; heads are forgotten; the locks move into the prepared transaction
#pragma once

namespace bulla {

// Registers the transaction callbacks; once per backend.
void WatchTransactions();

// This transaction leaves a lasting mark of what it saw: it commits without early release, and as
// synchronously as synchronous_commit = on, whatever the session says. It cannot be prepared.
void CommitDurably();

}  // namespace bulla
