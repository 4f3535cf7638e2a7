// SQL functions that take the oldest rows out of a ledger.

#include "pg/boundary.h"

extern "C" {
#include "access/table.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
}

#include "pg/append_queue.h"
#include "pg/arguments.h"
#include "pg/detach_partition.h"
#include "pg/emergency.h"
#include "pg/ledger_checks.h"
#include "pg/ledger_relation.h"
#include "pg/prune.h"
#include "pg/transaction_events.h"

namespace bulla {

BULLA_FUNCTION(bulla_prune);
Datum bulla_prune(PG_FUNCTION_ARGS) {
  PreventCommandIfReadOnly("bulla.prune()");
  RequireNotRestricted(Restriction::kReadOnly);
  RefuseNull(fcinfo, 0, "ledger");
  RefuseNull(fcinfo, 1, "before_seq");
  RefuseNull(fcinfo, 2, "chain");
  const Oid ledger = PG_GETARG_OID(0);
  const int64 before = SeqArgument(fcinfo, 1, "before_seq", 0);
  const char* const chain = text_to_cstring(PG_GETARG_TEXT_PP(2));
  CheckIsNotBullas(ledger);
  CheckOwnsTable(ledger);
  const Relation relation = table_open(ledger, ShareUpdateExclusiveLock);  // one at a time
  DescribeWholeLedger(relation);
  table_close(relation, NoLock);
  RefuseDetachedPart(ledger);
  FlushQueue();
  SPI_connect();
  const int64 removed = PruneChain(ledger, chain, before);
  SPI_finish();
  CommitDurably();
  PG_RETURN_INT64(removed);
}

BULLA_FUNCTION(bulla_detach_partition);
Datum bulla_detach_partition(PG_FUNCTION_ARGS) {
  PreventCommandIfReadOnly("bulla.detach_partition()");
  RequireNotRestricted(Restriction::kReadOnly);
  RefuseNull(fcinfo, 0, "ledger");
  RefuseNull(fcinfo, 1, "partition");
  const Oid ledger = PG_GETARG_OID(0);
  const Oid partition = PG_GETARG_OID(1);
  CheckOwnsTable(ledger);
  CheckOwnsTable(partition);
  FlushQueue();
  // Nobody appends until the end of the transaction.
  const Relation relation = table_open(ledger, AccessExclusiveLock);
  DescribeWholeLedger(relation);
  table_close(relation, NoLock);
  SPI_connect();
  const int64 rows = DetachPartition(ledger, partition);
  SPI_finish();
  CommitDurably();
  PG_RETURN_INT64(rows);
}

}  // namespace bulla
