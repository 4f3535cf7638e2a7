// Sleeps until something waits in the ring, lets it gather for a second, and starts a writer for its database. One
// at a time: what a writer may wait for is bounded.

extern "C" {
#include "postgres.h"
#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
}

#include "pg/audit_ring.h"
#include "pg/audit_workers.h"

#pragma GCC visibility push(default)
extern "C" {
void bulla_audit_launcher(Datum);
}
#pragma GCC visibility pop

namespace bulla {
namespace {

constexpr int kDatabases = 64;    // looked after at a time
constexpr int kMostFailures = 6;  // in about a minute, as rests get longer; then it goes to the log

// Databases whose writer failed: when it is tried again, and how often it was.
struct Failed {
  Oid database;
  int failures;
  TimestampTz again;
};
Failed failed[kDatabases];

Failed* FailedOf(Oid database) {
  for (Failed& entry : failed) {
    if (entry.failures > 0 && entry.database == database) return &entry;
  }
  return nullptr;
}

// Twice as long after each failure.
void NoteFailure(Oid database) {
  Failed* entry = FailedOf(database);
  for (Failed& other : failed) {
    if (entry == nullptr && other.failures == 0) entry = &other;
  }
  if (entry == nullptr) entry = &failed[0];
  const int failures = entry->database == database ? entry->failures : 0;
  *entry = {database, failures + 1, GetCurrentTimestamp() + (USECS_PER_SEC << Min(failures, 6))};
}

void ForgetFailures(Oid database) {
  if (Failed* const entry = FailedOf(database)) *entry = {};
}

bool DatabaseExists(Oid database) {
  const MemoryContext caller = CurrentMemoryContext;
  StartTransactionCommand();
  const Relation table = table_open(DatabaseRelationId, AccessShareLock);
  ScanKeyData key;
  ScanKeyInit(&key, Anum_pg_database_oid, BTEqualStrategyNumber, F_OIDEQ,
              ObjectIdGetDatum(database));
  const SysScanDesc scan = systable_beginscan(table, InvalidOid, false, nullptr, 1, &key);
  const bool found = HeapTupleIsValid(systable_getnext(scan));
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  CommitTransactionCommand();
  MemoryContextSwitchTo(caller);
  return found;
}

// What waits for a database goes to the log. Forgotten, or still to be written.
void LogWaiting(Oid database, bool forget) {
  auto* const taken = static_cast<AuditEntry*>(palloc(sizeof(AuditEntry) * EntryRoom()));
  const int count = TakeEntries(database, taken, EntryRoom());
  for (int i = 0; i < count; ++i) LogEntry(taken[i]);
  if (forget) DropTaken(database);
}

// False where the server has no place for one more worker.
bool RunWriter(Oid database) {
  BackgroundWorker worker = {};
  worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
  worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
  worker.bgw_restart_time = BGW_NEVER_RESTART;
  snprintf(worker.bgw_name, sizeof worker.bgw_name, "%s", kAuditWriter);
  snprintf(worker.bgw_type, sizeof worker.bgw_type, "%s", kAuditWriter);
  snprintf(worker.bgw_library_name, sizeof worker.bgw_library_name, "bulla");
  snprintf(worker.bgw_function_name, sizeof worker.bgw_function_name, "%s", kAuditWriterMain);
  worker.bgw_main_arg = ObjectIdGetDatum(database);
  worker.bgw_notify_pid = MyProcPid;
  BackgroundWorkerHandle* handle;
  if (!RegisterDynamicBackgroundWorker(&worker, &handle)) return false;
  pid_t pid;
  while (GetBackgroundWorkerPid(handle, &pid) != BGWH_STOPPED && !ShutdownRequestPending) {
    WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 1'000, PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
  }
  return true;
}

bool StillWaits(const WaitingDatabase& before) {
  WaitingDatabase waiting[kDatabases];
  const int count = WaitingDatabases(waiting, kDatabases);
  for (int i = 0; i < count; ++i) {
    if (waiting[i].database == before.database) return waiting[i].oldest == before.oldest;
  }
  return false;
}

void WriteOut(const WaitingDatabase& waiting) {
  const Failed* const before = FailedOf(waiting.database);
  if ((before != nullptr && before->failures >= kMostFailures) ||
      !DatabaseExists(waiting.database)) {
    LogWaiting(waiting.database, true);
    ForgetFailures(waiting.database);
    return;
  }
  if (!RunWriter(waiting.database) && before == nullptr) {
    ereport(LOG,
            (errmsg("bulla cannot record uses of keys and refusals: no background worker is free"),
             errhint("You might need to increase max_worker_processes.")));
  }
  if (StillWaits(waiting))
    NoteFailure(waiting.database);
  else
    ForgetFailures(waiting.database);
}

// Starts writers where it is time. Milliseconds until it will be the next time, -1 where nothing waits.
long WriteWhatIsDue() {
  WaitingDatabase waiting[kDatabases];
  const int count = WaitingDatabases(waiting, kDatabases);
  long next = -1;
  for (int i = 0; i < count && !ShutdownRequestPending; ++i) {
    const Failed* const entry = FailedOf(waiting[i].database);
    const TimestampTz gathered = IsCrowded() ? 0 : waiting[i].since + USECS_PER_SEC;
    const TimestampTz due = Max(gathered, entry == nullptr ? 0 : entry->again);
    const long wait = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), due);
    if (wait > 0) {
      next = next < 0 ? wait : Min(next, wait);
      continue;
    }
    WriteOut(waiting[i]);
    next = 0;
  }
  return next;
}

// The server stops, or somebody ended this process and it will be started anew. Which one cannot be told: what
// waits is told to the log, and stays.
void LogAllWaiting() {
  WaitingDatabase waiting[kDatabases];
  const int count = WaitingDatabases(waiting, kDatabases);
  for (int i = 0; i < count; ++i) LogWaiting(waiting[i].database, false);
}

void Detach(int, Datum) { SetAuditWriter(nullptr); }

}  // namespace

void RegisterAuditLauncher() {
  BackgroundWorker worker = {};
  worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
  worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
  worker.bgw_restart_time = 5;
  snprintf(worker.bgw_name, sizeof worker.bgw_name, "bulla event launcher");
  snprintf(worker.bgw_type, sizeof worker.bgw_type, "bulla event launcher");
  snprintf(worker.bgw_library_name, sizeof worker.bgw_library_name, "bulla");
  snprintf(worker.bgw_function_name, sizeof worker.bgw_function_name, "bulla_audit_launcher");
  RegisterBackgroundWorker(&worker);
}

}  // namespace bulla

void bulla_audit_launcher(Datum) {
  using namespace bulla;
  pqsignal(SIGHUP, SignalHandlerForConfigReload);
  pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
  BackgroundWorkerUnblockSignals();
  BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
  before_shmem_exit(Detach, Datum{0});
  SetAuditWriter(MyLatch);
  MemoryContextSwitchTo(
      AllocSetContextCreate(TopMemoryContext, "bulla audit", ALLOCSET_DEFAULT_SIZES));
  while (!ShutdownRequestPending) {
    const long wait = WriteWhatIsDue();
    MemoryContextReset(CurrentMemoryContext);
    if (wait == 0) continue;
    WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (wait > 0 ? WL_TIMEOUT : 0), wait,
              PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
    if (ConfigReloadPending) {
      ConfigReloadPending = false;
      ProcessConfigFile(PGC_SIGHUP);
    }
  }
  LogAllWaiting();
  proc_exit(1);  // so that it is started anew unless the server stops
}
