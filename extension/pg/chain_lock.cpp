#include "pg/chain_lock.h"

#include <sched.h>

extern "C" {
#include "miscadmin.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/sinvaladt.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"
}

#include "pg/boundary.h"
#include "pg/settings.h"

namespace bulla {
namespace {

// Advisory locks of SQL have 1 or 2 as their last field, Citus's have small numbers too.
constexpr uint16 kChainLock = 0xB17A;
constexpr uint16 kLedgerLock = 0xB17B;

// Queueing costs a sleep, a wake-up and a hand-over to a process that is not running: when transactions
// are short and clients outnumber cores, throughput halves. So a while of asking comes first, giving the
// core away each time.
constexpr int kAttempts = 100;

// While it lives, locks are owned by the top transaction and waits are bounded.
class ChainLockScope {
 public:
  ChainLockScope() : owner_(CurrentResourceOwner), lock_timeout_(LockTimeout) {
    CurrentResourceOwner = TopTransactionResourceOwner;
    if (chain_lock_timeout > 0 && (LockTimeout == 0 || chain_lock_timeout < LockTimeout))
      LockTimeout = chain_lock_timeout;
  }
  ~ChainLockScope() {
    CurrentResourceOwner = owner_;
    LockTimeout = lock_timeout_;
  }
  ChainLockScope(const ChainLockScope&) = delete;
  ChainLockScope& operator=(const ChainLockScope&) = delete;

 private:
  ResourceOwner owner_;
  int lock_timeout_;
};

int HolderPid(const LOCKTAG& tag, LOCKMODE mode) {
  int count = 0;
  const VirtualTransactionId* const holders = GetLockConflicts(&tag, mode, &count);
  for (int i = 0; i < count; ++i) {
    const PGPROC* const holder = BackendIdGetProc(holders[i].backendId);
    if (holder != nullptr && holder->pid != 0) return holder->pid;
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
                                   : "A prepared transaction holds the chain";
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

void AcquireChainLock(const LOCKTAG& tag, LOCKMODE mode) {
  Enter([&]() -> Result<void> {
    const ChainLockScope scope;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const LockAcquireResult got = CallPg([&] { return LockAcquire(&tag, mode, false, true); });
      if (got != LOCKACQUIRE_NOT_AVAIL) return {};
      sched_yield();
      CallPg([] { CHECK_FOR_INTERRUPTS(); });
    }
    try {
      CallPg([&] { LockAcquire(&tag, mode, false, false); });
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
