#include "pg/ddl_reassign.h"

extern "C" {
#include "postgres.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/snapmgr.h"
}

#include "pg/ddl_catalog.h"
#include "pg/ddl_table.h"
#include "pg/settings.h"

namespace bulla {
namespace {

ProcessUtility_hook_type previous = nullptr;

// As ALTER TABLE … OWNER TO is recorded, for each ledger that has another owner now.
void RecordOwners(Snapshot before) {
  constexpr char kLedgers[] = "SELECT l.ledger::pg_catalog.oid FROM bulla.ledgers AS l ORDER BY 1";
  SPI_connect();
  if (SPI_execute(kLedgers, false, 0) != SPI_OK_SELECT) elog(ERROR, "SPI failed on: %s", kLedgers);
  const SPITupleTable* const rows = SPI_tuptable;
  for (uint64 i = 0; i < rows->numvals; ++i) {
    bool null;
    const Datum ledger = SPI_getbinval(rows->vals[i], rows->tupdesc, 1, &null);
    RecordTableChanges(DatumGetObjectId(ledger), before);
  }
  SPI_finish();
}

// The other arguments differ between PostgreSQL's major versions.
template <class... Rest>
void RunUtility(PlannedStmt* statement, const char* query, Rest... rest) {
  const bool reassign = IsA(statement->utilityStmt, ReassignOwnedStmt) && !restore_mode &&
                        OidIsValid(get_extension_oid("bulla", true));
  const Snapshot before = reassign ? BeforeThisCommand() : nullptr;
  (previous != nullptr ? previous : standard_ProcessUtility)(statement, query, rest...);
  if (!reassign) return;
  RecordOwners(before);
  UnregisterSnapshot(before);
}

}  // namespace

void WatchReassignOwned() {
  previous = ProcessUtility_hook;
  ProcessUtility_hook = RunUtility;
}

}  // namespace bulla
