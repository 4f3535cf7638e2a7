// Makes events of what waits in the ring for one database, in one transaction, and ends. Where that fails
// everything stays in the ring.

extern "C" {
#include "postgres.h"
#include "access/xact.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
}

#include "pg/chain_lock.h"
#include "pg/audit_ring.h"
#include "pg/audit_workers.h"

#pragma GCC visibility push(default)
extern "C" {
void bulla_audit_writer(Datum database);
}
#pragma GCC visibility pop

namespace bulla {
namespace {

// What ALTER DATABASE or postgresql.conf say of other sessions must neither keep this one from writing nor waiting
// for ever. Its commit is flushed here and waits for no standby: while one is away the ring would fill.
void PinSettings() {
  constexpr const char* kSettings[][2] = {
      {"search_path", "pg_catalog, pg_temp"},
      {"default_transaction_read_only", "off"},
      {"default_transaction_isolation", "read committed"},
      {"synchronous_commit", "local"},
      {"lock_timeout", "10s"},
      {"bulla.chain_lock_timeout", "10s"},
      {"bulla.restore", "off"},
  };
  for (const auto& [name, value] : kSettings)
    SetConfigOption(name, value, PGC_SUSET, PGC_S_OVERRIDE);
}

// Under the writers' lock still, so that no second writer takes them too; and not at all where the transaction
// fails.
void DropWhenCommitted(XactEvent event, void*) {
  if (event == XACT_EVENT_COMMIT) DropTaken(MyDatabaseId);
}

void WriteEvents() {
  AcquireEventWriterLock();
  auto* const taken = static_cast<AuditEntry*>(palloc(sizeof(AuditEntry) * EntryRoom()));
  const int count = TakeEntries(MyDatabaseId, taken, EntryRoom());
  const bool installed = OidIsValid(get_extension_oid("bulla", true));
  for (int i = 0; i < count; ++i) {
    if (installed)
      RecordEntry(taken[i]);
    else
      LogEntry(taken[i]);
  }
}

}  // namespace
}  // namespace bulla

void bulla_audit_writer(Datum database) {
  using namespace bulla;
  pqsignal(SIGTERM, die);
  BackgroundWorkerUnblockSignals();
  BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(database), InvalidOid,
                                            BGWORKER_BYPASS_ALLOWCONN);
  PinSettings();
  RegisterXactCallback(DropWhenCommitted, nullptr);
  SetCurrentStatementStartTimestamp();
  StartTransactionCommand();
  PushActiveSnapshot(GetTransactionSnapshot());
  pgstat_report_activity(STATE_RUNNING, "recording uses of keys and refusals");
  WriteEvents();
  PopActiveSnapshot();
  CommitTransactionCommand();
  pgstat_report_activity(STATE_IDLE, nullptr);
  proc_exit(0);
}
