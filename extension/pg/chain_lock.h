// The lock under which a chain grows: an ordinary heavyweight lock, so it shows in pg_locks
// (bulla.chain_locks), takes part in deadlock detection and can be cancelled. It belongs to the top
// transaction: savepoints do not give it back, PREPARE TRANSACTION takes it along, and
// pg_advisory_unlock_all() does not see it.
#pragma once

extern "C" {
#include "postgres.h"
#include "storage/lock.h"
}

namespace bulla {

// The lock of one chain, known by a hash of its key (chains that collide share a lock, and only wait
// for each other), and of the ledger as a whole.
LOCKTAG ChainLockTag(Oid ledger, uint32 chain_hash);
LOCKTAG LedgerLockTag(Oid ledger);

// For who makes one of Bulla's own tables at first use: one at a time in a database. After it, what
// others made is seen.
void AcquireSetupLock();

// For who writes into bulla.events what waits in shared memory: one at a time in a database.
void AcquireEventWriterLock();

// For who seals chains of a ledger: one at a time.
void AcquireSealLock(Oid ledger);

// For who seals all ledgers again and again: one at a time in a database. False where somebody else does.
bool TrySealRoundLock();

// Takes the lock until the end of the transaction, or raises: lock_not_available after
// bulla.chain_lock_timeout (or an earlier lock_timeout), naming who holds it; deadlock_detected;
// query_canceled.
void AcquireChainLock(const LOCKTAG& tag, LOCKMODE mode);

// Gives it back early, at XACT_EVENT_COMMIT. Does not raise.
void ReleaseChainLock(const LOCKTAG& tag, LOCKMODE mode);

}  // namespace bulla
