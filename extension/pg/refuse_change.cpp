// bulla.refuse_change: the trigger that makes a ledger append-only. It lets two changes through: an erasure
// that bulla.erase makes, or that a publisher made, and the removal of rows that bulla.prune makes.

#include "pg/boundary.h"

extern "C" {
#include "commands/trigger.h"
#include "replication/logicalworker.h"
#include "utils/rel.h"
}

#include "pg/erasure.h"
#include "pg/prune.h"

namespace bulla {
namespace {

// Whether an UPDATE is an erasure, and the row that it leaves: null where there is nothing to change. One made
// here is recorded where it was asked for; a publisher's is recorded now.
bool IsErasureThatMay(const TriggerData* trigger, HeapTuple* row) {
  if (!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
    return false;
  const Relation relation = trigger->tg_relation;
  const bool here = IsBeingErased(relation, &trigger->tg_trigtuple->t_self);
  if (!here && !IsLogicalWorker()) return false;
  const LedgerRelation* const ledger = DescribeLedger(relation);
  TupleTableSlot* const before = trigger->tg_trigslot;
  *row = trigger->tg_newtuple;
  if (here) return ErasedColumns(ledger, relation, before, trigger->tg_newslot) != NIL;
  List* columns;
  if (!IsArrivingErasure(ledger, relation, before, trigger->tg_newslot, &columns)) return false;
  if (columns != NIL)
    RecordPublishersErasure(ledger, before->tts_values, before->tts_isnull, columns);
  *row = columns != NIL ? ErasedRow(ledger, before, columns) : nullptr;
  return true;
}

bool IsPruningThatMay(const TriggerData* trigger) {
  return TRIGGER_FIRED_BY_DELETE(trigger->tg_event) && TRIGGER_FIRED_FOR_ROW(trigger->tg_event) &&
         IsBeingPruned(DescribeLedger(trigger->tg_relation), trigger->tg_trigslot);
}

}  // namespace

BULLA_FUNCTION(bulla_refuse_change);
Datum bulla_refuse_change(PG_FUNCTION_ARGS) {
  const auto* const trigger = reinterpret_cast<const TriggerData*>(fcinfo->context);
  if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event)) {
    ereport(ERROR,
            (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
             errmsg("this function must be called as a trigger BEFORE UPDATE, DELETE or TRUNCATE"),
             errhint("bulla.create_ledger makes the triggers of a ledger.")));
  }
  HeapTuple erased;
  if (IsErasureThatMay(trigger, &erased)) return PointerGetDatum(erased);
  if (IsPruningThatMay(trigger)) return PointerGetDatum(trigger->tg_trigtuple);
  if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event)) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("INSERT is not possible: \"%s\" is a part of a ledger that was detached",
                           RelationGetRelationName(trigger->tg_relation)),
                    errhint("Its chains go on in the ledger.")));
  }
  const char* const statement = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event)   ? "UPDATE"
                                : TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ? "DELETE"
                                                                             : "TRUNCATE";
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("%s is not possible: \"%s\" is a ledger, which only grows", statement,
                         RelationGetRelationName(trigger->tg_relation)),
                  errhint("Append a row that corrects the one that is wrong.")));
}

}  // namespace bulla
