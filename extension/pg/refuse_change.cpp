// bulla.refuse_change: the trigger that makes a ledger append-only.

#include "pg/boundary.h"

extern "C" {
#include "commands/trigger.h"
#include "utils/rel.h"
}

namespace bulla {

BULLA_FUNCTION(bulla_refuse_change);
Datum bulla_refuse_change(PG_FUNCTION_ARGS) {
  const auto* const trigger = reinterpret_cast<const TriggerData*>(fcinfo->context);
  if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event)) {
    ereport(ERROR,
            (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
             errmsg("this function must be called as a trigger BEFORE UPDATE, DELETE or TRUNCATE"),
             errhint("bulla.create_ledger makes the triggers of a ledger.")));
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
