#include "pg/subscriptions.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_subscription_rel.h"
#include "nodes/pg_list.h"
#include "utils/lsyscache.h"
}

namespace bulla {
namespace {

bool AreRelated(Oid table, Oid ledger) {
  return table == ledger || list_member_oid(get_partition_ancestors(table), ledger) ||
         list_member_oid(get_partition_ancestors(ledger), table);
}

}  // namespace

Oid SubscriptionOf(Oid ledger) {
  Oid found = InvalidOid;
  const Relation mapping = table_open(SubscriptionRelRelationId, AccessShareLock);
  const SysScanDesc scan = systable_beginscan(mapping, InvalidOid, false, nullptr, 0, nullptr);
  while (!OidIsValid(found)) {
    const HeapTuple tuple = systable_getnext(scan);
    if (!HeapTupleIsValid(tuple)) break;
    const auto* const row = reinterpret_cast<Form_pg_subscription_rel>(GETSTRUCT(tuple));
    if (AreRelated(row->srrelid, ledger)) found = row->srsubid;
  }
  systable_endscan(scan);
  table_close(mapping, AccessShareLock);
  return found;
}

void RaiseSubscribed(const char* ledger, Oid subscription) {
  const char* const name = get_subscription_name(subscription, true);
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("ledger \"%s\" receives its rows by subscription \"%s\"", ledger,
                  name != nullptr ? name : "?"),
           errhint("Append on the publisher. To go on here instead, DROP SUBSCRIPTION, or take the "
                   "ledger out of the publication and ALTER SUBSCRIPTION … REFRESH PUBLICATION.")));
}

}  // namespace bulla
