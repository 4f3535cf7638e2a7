// Somebody else who takes part in commits, as postgres_fdw does: a statement is run when the transaction is
// about to commit. Where this module was loaded before bulla, after bulla's own part in the commit.
// test/regress/sql/append_event.sql uses it.

#include "pg/boundary.h"

extern "C" {
#include "access/xact.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
}

namespace bulla {
namespace {

const char* at_commit = nullptr;

void OnTransactionEvent(XactEvent event, void*) {
  const char* const statement = at_commit;
  at_commit = nullptr;
  if (event != XACT_EVENT_PRE_COMMIT || statement == nullptr) return;
  PushActiveSnapshot(GetTransactionSnapshot());
  SPI_connect();
  if (SPI_execute(statement, false, 0) < 0) elog(ERROR, "SPI failed on: %s", statement);
  SPI_finish();
  PopActiveSnapshot();
}

}  // namespace

// run_at_commit(statement)
BULLA_FUNCTION(bulla_test_run_at_commit);
Datum bulla_test_run_at_commit(PG_FUNCTION_ARGS) {
  static bool registered = false;
  if (!registered) RegisterXactCallback(OnTransactionEvent, nullptr);
  registered = true;
  at_commit = MemoryContextStrdup(TopTransactionContext, text_to_cstring(PG_GETARG_TEXT_PP(0)));
  PG_RETURN_VOID();
}

}  // namespace bulla
