#include "pg/chain_lock.h"

#include <sched.h>

extern "C" {
#include "miscadmin.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/sinvaladt.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"
}

#include "pg/boundary.h"
#include "pg/busy_hint.h"
#include "pg/settings.h"
#include "pg/versions.h"

namespace bulla {
namespace {

// Advisory locks of SQL have 1 or 2 as their last field, Citus's have small numbers too. pg_locks shows
// the field as a smallint.
constexpr uint16 kChainLock = 31'641;
constexpr uint16 kLedgerLock = 31'642;
constexpr uint16 kSuccessorLock = 31'643;
constexpr uint16 kSetupLock = 31'644;
constexpr uint16 kEventWriterLock = 31'645;
constexpr uint16 kSealLock = 31'646;

// How often a newcomer asks before it waits to be the successor, and the successor before it queues,
// giving the core away each time. Asking must stay bounded: it takes a core's time, and only a queued
// waiter is seen by the deadlock detector.
constexpr int kNewcomerAttempts = 100;  // most of them no more than a look at shared memory
constexpr int kBlindAttempts = 4;       // without it, each asks the lock manager
constexpr int kSuccessorAttempts = 100;

// While it lives, the wait for locks is bounded by the nearer of lock_timeout and bulla.chain_lock_timeout,
// counted from its beginning.
class BoundedWait {
 public:
  BoundedWait() : lock_timeout_(LockTimeout), start_(GetCurrentTimestamp()) { Renew(); }
  ~BoundedWait() { LockTimeout = lock_timeout_; }
  BoundedWait(const BoundedWait&) = delete;
  BoundedWait& operator=(const BoundedWait&) = delete;

  // Before each further wait: what is left of the time.
  void Renew() {
    if (chain_lock_timeout == 0) return;
    const int64 waited = (GetCurrentTimestamp() - start_) / 1000;
    const int left = static_cast<int>(Max(int64{1}, chain_lock_timeout - waited));
    LockTimeout = lock_timeout_ == 0 ? left : Min(lock_timeout_, left);
  }

 private:
  int lock_timeout_;
  TimestampTz start_;
};

// While it lives, locks taken belong to the top transaction.
class TopTransactionOwner {
 public:
  TopTransactionOwner() : owner_(CurrentResourceOwner) {
    CurrentResourceOwner = TopTransactionResourceOwner;
  }
  ~TopTransactionOwner() { CurrentResourceOwner = owner_; }
  TopTransactionOwner(const TopTransactionOwner&) = delete;
  TopTransactionOwner& operator=(const TopTransactionOwner&) = delete;

 private:
  ResourceOwner owner_;
};

// The calls below raise PgError where PostgreSQL raises: they run inside Enter.

bool TryLock(const LOCKTAG& tag, LOCKMODE mode) {
  const TopTransactionOwner owner;
  return CallPg([&] { return LockAcquire(&tag, mode, false, true); }) != LOCKACQUIRE_NOT_AVAIL;
}

void QueueForLock(const LOCKTAG& tag, LOCKMODE mode) {
  const TopTransactionOwner owner;
  CallPg([&] { LockAcquire(&tag, mode, false, false); });
}

bool AskRepeatedly(const LOCKTAG& tag, LOCKMODE mode, int attempts) {
  for (int attempt = 0; attempt < attempts; ++attempt) {
    if (!LooksBusy(tag) && TryLock(tag, mode)) return true;
    sched_yield();
    CallPg([] { CHECK_FOR_INTERRUPTS(); });
  }
  return false;
}

// A newcomer takes a free chain at once, being awake already, and asks again for a while if few others do.
bool AskAsNewcomer(const LOCKTAG& tag, LOCKMODE mode) {
  if (AskRepeatedly(tag, mode, 1)) return true;
  if (!StartAsking(tag)) return false;
  struct Asking {
    ~Asking() { StopAsking(); }
  } const asking;
  return AskRepeatedly(tag, mode, HasBusyHints() ? kNewcomerAttempts : kBlindAttempts);
}

// A lock that is handed from one sleeping waiter to the next stands still for a wake-up each time, and
// with more clients than cores throughput halves. So waiters sleep in line for another lock, that of
// the successor; there is one, awake, who asks for the real one until its holder commits, and the next
// wakes up meanwhile.
void WaitForLock(const LOCKTAG& tag, LOCKMODE mode) {
  BoundedWait wait;
  LOCKTAG successor = tag;
  successor.locktag_field4 = kSuccessorLock;
  // Owned by the current subtransaction: an error takes it away with that.
  CallPg([&] { LockAcquire(&successor, ExclusiveLock, false, false); });
  wait.Renew();
  if (!AskRepeatedly(tag, mode, kSuccessorAttempts)) QueueForLock(tag, mode);
  CallPg([&] { LockRelease(&successor, ExclusiveLock, false); });
}

int HolderPid(const LOCKTAG& tag, LOCKMODE mode) {
  int count = 0;
  const VirtualTransactionId* const holders = GetLockConflicts(&tag, mode, &count);
  for (int i = 0; i < count; ++i) {
    const PGPROC* const holder = ProcessOf(holders[i]);
    // A prepared transaction still bears the name of the backend that prepared it, which has gone on.
    if (holder != nullptr && LocalTransactionOf(holder) == holders[i].localTransactionId)
      return holder->pid;
  }
  return 0;
}

// Says more of a timed-out wait than PostgreSQL does. Other errors pass as they are.
void Explain(const LOCKTAG& tag, LOCKMODE mode, ErrorData* error) {
  if (error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE) return;
  const int pid = HolderPid(tag, mode);
  const char* const ledger = get_rel_name(tag.locktag_field2);
  error->message =
      psprintf("could not append to ledger \"%s\": its chain is locked by another transaction",
               ledger != nullptr ? ledger : "?");
  const char* const who = pid != 0 ? psprintf("Process %d holds the chain", pid)
                                   : "A prepared transaction (pg_prepared_xacts) holds the chain";
  error->hint = psprintf(
      "%s until it ends; bulla.chain_locks shows it. bulla.chain_lock_timeout bounds this wait.",
      who);
}

}  // namespace

LOCKTAG ChainLockTag(Oid ledger, uint32 chain_hash) {
  LOCKTAG tag;
  SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, ledger, chain_hash, kChainLock);
  return tag;
}

LOCKTAG LedgerLockTag(Oid ledger) {
  LOCKTAG tag;
  SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, ledger, 0, kLedgerLock);
  return tag;
}

void AcquireSetupLock() {
  LOCKTAG tag;
  SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0, 0, kSetupLock);
  LockAcquire(&tag, ExclusiveLock, false, false);
  AcceptInvalidationMessages();
}

void AcquireEventWriterLock() {
  LOCKTAG tag;
  SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0, 0, kEventWriterLock);
  LockAcquire(&tag, ExclusiveLock, false, false);
}

void AcquireSealLock(Oid ledger) {
  LOCKTAG tag;
  SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, ledger, 0, kSealLock);
  LockAcquire(&tag, ExclusiveLock, false, false);
}

bool TrySealRoundLock() {
  LOCKTAG tag;  // the seal lock of no ledger
  SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, InvalidOid, 0, kSealLock);
  return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

void AcquireChainLock(const LOCKTAG& tag, LOCKMODE mode) {
  Enter([&]() -> Result<void> {
    if (AskAsNewcomer(tag, mode)) return {};
    try {
      WaitForLock(tag, mode);
    } catch (const PgError& error) {
      CallPg([&] { Explain(tag, mode, error.data); });
      throw;
    }
    return {};
  });
}

void ReleaseChainLock(const LOCKTAG& tag, LOCKMODE mode) {
  const ResourceOwner owner = CurrentResourceOwner;
  CurrentResourceOwner = TopTransactionResourceOwner;
  LockRelease(&tag, mode, false);
  CurrentResourceOwner = owner;
}

}  // namespace bulla
