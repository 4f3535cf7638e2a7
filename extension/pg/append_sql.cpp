// bulla.append: an event for the end of the transaction.

#include "pg/boundary.h"

extern "C" {
#include "access/table.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
}

#include "pg/arguments.h"
#include "pg/event_row.h"
#include "pg/ledger_relation.h"
#include "pg/subscriptions.h"

namespace bulla {
namespace {

// An expression of an index or a materialised view runs as its owner, but what it queued would be
// inserted after that: the owner's triggers would run outside the fence around him.
void RefuseInRestrictedOperation() {
  if (!InSecurityRestrictedOperation()) return;
  ereport(ERROR,
          (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
           errmsg("cannot append to a ledger within a security-restricted operation"),
           errhint("Expressions of indexes and materialized views must not append events.")));
}

// On the whole table: defaults are given as values.
void CheckMayInsert(Relation ledger) {
  const AclResult allowed = pg_class_aclcheck(RelationGetRelid(ledger), GetUserId(), ACL_INSERT);
  if (allowed != ACLCHECK_OK) {
    aclcheck_error(allowed, get_relkind_objtype(ledger->rd_rel->relkind),
                   RelationGetRelationName(ledger));
  }
}

}  // namespace

BULLA_FUNCTION(bulla_append);
Datum bulla_append(PG_FUNCTION_ARGS) {
  RefuseNull(fcinfo, 0, "ledger");
  RefuseNull(fcinfo, 1, "event");
  const Oid table = PG_GETARG_OID(0);
  Jsonb* const event = PG_GETARG_JSONB_P(1);
  PreventCommandIfReadOnly("bulla.append()");
  RefuseInRestrictedOperation();
  const Relation ledger = table_open(table, RowExclusiveLock);
  const Oid subscription = DescribeWholeLedger(ledger)->subscription;
  CheckMayInsert(ledger);
  if (OidIsValid(subscription)) RaiseSubscribed(RelationGetRelationName(ledger), subscription);
  QueueEvent(ledger, event);
  table_close(ledger, NoLock);
  PG_RETURN_VOID();
}

}  // namespace bulla
