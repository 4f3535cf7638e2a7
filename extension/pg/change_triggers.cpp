// The triggers of an audited table: bulla.capture_change, AFTER INSERT, UPDATE or DELETE for each row and
// AFTER TRUNCATE for each statement, turns what happened into an event.
//
// Row triggers and not statement triggers with transition tables: PostgreSQL clones them to partitions,
// now and later, fires them for rows that logical replication applies, and keeps the order of changes.

#include "pg/boundary.h"

extern "C" {
#include "access/xact.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"
}

#include "pg/change_ledger.h"
#include "pg/change_settings.h"
#include "pg/change_source.h"
#include "pg/change_values.h"
#include "pg/ledger_relation.h"
#include "pg/settings.h"

namespace bulla {
namespace {

const TriggerData* CheckedTrigger(FunctionCallInfo fcinfo) {
  const auto* const trigger = reinterpret_cast<const TriggerData*>(fcinfo->context);
  if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
      TRIGGER_FIRED_FOR_ROW(trigger->tg_event) == TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event) ||
      trigger->tg_trigger->tgnargs != 1) {
    ereport(ERROR,
            (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
             errmsg("this function must be called as a trigger that bulla.audit_changes made")));
  }
  return trigger;
}

// Both triggers have the same argument; should they differ, the row trigger's counts. Copied: another
// session may write it anew while this one reads the catalogue.
const char* Argument(const TriggerData* trigger) {
  if (TRIGGER_FIRED_FOR_ROW(trigger->tg_event)) return trigger->tg_trigger->tgargs[0];
  const Trigger* const capture = FindCaptureTrigger(trigger->tg_relation);
  return pstrdup((capture != nullptr ? capture : trigger->tg_trigger)->tgargs[0]);
}

void PutText(ChangeEvent* event, ChangeColumn column, const char* text) {
  event->nulls[column] = text == nullptr || text[0] == '\0';
  if (!event->nulls[column]) event->values[column] = CStringGetTextDatum(text);
}

// Where and by whom: all but the values.
void FillCircumstances(const ChangeSource* source, const char* operation, ChangeEvent* event) {
  PutText(event, kTableSchema, get_namespace_name(get_rel_namespace(source->root)));
  PutText(event, kTableName, get_rel_name(source->root));
  PutText(event, kPartitionName,
          source->root == source->relation ? nullptr : QualifiedName(source->relation));
  event->values[kTableOid] = ObjectIdGetDatum(source->root);
  PutText(event, kOperation, operation);
  event->values[kStatementAt] = TimestampTzGetDatum(GetCurrentStatementStartTimestamp());
  event->values[kTransactionId] = FullTransactionIdGetDatum(GetTopFullTransactionId());
  event->nulls[kTableOid] = event->nulls[kStatementAt] = event->nulls[kTransactionId] = false;
  PutText(event, kSessionRole, GetUserNameFromId(GetSessionUserId(), false));
  PutText(event, kRole, GetUserNameFromId(GetUserId(), false));
  PutText(event, kApplicationName, application_name);
  PutText(event, kActor, actor);
}

}  // namespace

BULLA_FUNCTION(bulla_capture_change);
Datum bulla_capture_change(PG_FUNCTION_ARGS) {
  const TriggerData* const trigger = CheckedTrigger(fcinfo);
  // Rows that are restored are no changes: the ledger that is restored with them has their events.
  if (restore_mode) return PointerGetDatum(nullptr);
  ChangeSource* const source = DescribeChangeSource(trigger->tg_relation, Argument(trigger));
  const TriggerEvent what = trigger->tg_event;
  ChangeEvent event = {};
  memset(event.nulls, true, sizeof event.nulls);
  const char* operation = "TRUNCATE";
  if (TRIGGER_FIRED_BY_INSERT(what)) {
    operation = "INSERT";
    FillChangedValues(source, nullptr, trigger->tg_trigslot, &event);
  } else if (TRIGGER_FIRED_BY_DELETE(what)) {
    operation = "DELETE";
    FillChangedValues(source, trigger->tg_trigslot, nullptr, &event);
  } else if (TRIGGER_FIRED_BY_UPDATE(what)) {
    operation = "UPDATE";
    if (!FillChangedValues(source, trigger->tg_trigslot, trigger->tg_newslot, &event))
      return PointerGetDatum(nullptr);
  }
  FillCircumstances(source, operation, &event);
  AppendChange(source->ledger, event);
  return PointerGetDatum(nullptr);
}

}  // namespace bulla
