#include "pg/ddl_drop.h"

extern "C" {
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
}

#include "pg/ddl_catalog.h"
#include "pg/ddl_table.h"
#include "pg/ledger_checks.h"
#include "pg/ledger_relation.h"

namespace bulla {
namespace {

[[noreturn]] void RefuseTable(Oid table, Oid ledger, Snapshot before) {
  TableFacts facts;
  TableFacts whole;
  if (!ReadTable(table, before, &facts) || !ReadTable(ledger, before, &whole))
    elog(ERROR, "a table of a ledger has no name");
  if (table != ledger) {
    ereport(
        ERROR,
        (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
         errmsg("partition \"%s\" of ledger \"%s\" cannot be dropped", NameStr(facts.name),
                NameStr(whole.name)),
         errhint("bulla.detach_partition takes it out of the ledger, and notes where the rest of "
                 "the ledger begins.")));
  }
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("ledger \"%s\" cannot be dropped", NameStr(facts.name)),
           errhint("bulla.drop_ledger makes it an ordinary table first. To restore over it, a "
                   "superuser can set bulla.restore = on.")));
}

void JudgeDroppedTrigger(Oid trigger, Snapshot before) {
  const OwnTrigger* const was = FindOwnTrigger(trigger, before);
  if (was == nullptr || IsOwn(was->table, before)) return;
  if (get_rel_name(was->table) == nullptr)
    RefuseTable(was->table, LedgerOf(was->table, before), before);
  JudgeTable(was->table, before);
}

// The index behind the chain lock must not go: where two rows got one seq, it is what refuses.
void JudgeDroppedIndex(Oid index, Snapshot before) {
  const Oid table = TableOfIndex(index, before);
  if (!OidIsValid(table) || get_rel_name(table) == nullptr || IsOwn(table, before) ||
      !OidIsValid(LedgerOf(table, nullptr)))
    return;
  const Relation relation = table_open(table, AccessShareLock);
  const LedgerRelation* const ledger = DescribeLedger(relation);
  if (!HasHeadIndex(ledger)) {
    TableFacts facts;
    ReadTable(index, before, &facts);
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("index \"%s\" cannot be dropped: ledger \"%s\" finds its rows by it",
                    NameStr(facts.name), RelationGetRelationName(relation)),
             errhint("Create another index on the same columns first, or REINDEX this one.")));
  }
  table_close(relation, AccessShareLock);
}

}  // namespace

void JudgeDropped(Oid catalog, Oid object, int column, Snapshot before) {
  if (catalog == TriggerRelationId) {
    JudgeDroppedTrigger(object, before);
  } else if (catalog == RelationRelationId && column > 0) {
    if (!IsOwn(object, before)) JudgeTable(object, before);
  } else if (catalog == RelationRelationId) {
    JudgeDroppedIndex(object, before);
  }
}

}  // namespace bulla
