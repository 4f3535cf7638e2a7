// The library's entry: what happens once when PostgreSQL loads it.

extern "C" {
#include "postgres.h"
#include "fmgr.h"
#include "miscadmin.h"
}

#include "pg/audit_ring.h"
#include "pg/audit_workers.h"
#include "pg/busy_hint.h"
#include "pg/cell_counts.h"
#include "pg/ddl_reassign.h"
#include "pg/emergency.h"
#include "pg/head_cache.h"
#include "pg/key_access.h"
#include "pg/key_cache.h"
#include "pg/key_uses.h"
#include "pg/ledger_relation.h"
#include "pg/own_ddl.h"
#include "pg/refusals.h"
#include "pg/settings.h"
#include "pg/transaction_events.h"

#pragma GCC visibility push(default)
extern "C" {
PG_MODULE_MAGIC;
void _PG_init(void);
}
#pragma GCC visibility pop

// No key is loaded here: with shared_preload_libraries every backend would inherit it.
void _PG_init(void) {
  bulla::DefineSettings();
  if (process_shared_preload_libraries_in_progress) {
    bulla::ReserveHeadCache();
    bulla::ReserveBusyHints();
    bulla::ReserveAuditRing();
    bulla::RegisterAuditLauncher();
  }
  bulla::WatchLedgerRelations();
  bulla::WatchTransactions();
  bulla::KeyCache::Watch();
  bulla::WatchKeyAccess();
  bulla::WatchEmergency();
  bulla::WatchRefusals();
  bulla::WatchKeyUses();
  bulla::WatchCellCounts();
  bulla::WatchOwnDdl();
  bulla::WatchReassignOwned();
}
