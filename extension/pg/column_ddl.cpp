// bulla.judge_columns, an event trigger: refuses DDL that would take the protection of a column away, or what
// its values are bound to. Like the event triggers of ledgers it judges what a command has made of the
// catalogue, against what was there before.

#include "pg/boundary.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
}

#include "pg/cell_triggers.h"
#include "pg/column_attach.h"
#include "pg/column_checks.h"
#include "pg/ddl_catalog.h"
#include "pg/ddl_table.h"
#include "pg/ledger_relation.h"
#include "pg/ledger_triggers.h"
#include "pg/own_ddl.h"
#include "pg/run_command.h"
#include "pg/settings.h"

namespace bulla {
namespace {

constexpr char kHint[] =
    "bulla.unprotect_column ends the protection. For a restore, a superuser can set bulla.restore "
    "= on.";

// A row of pg_trigger for one of the two functions.
struct CellTrigger {
  Oid oid;
  Oid table;
  Oid function;
  Oid parent;
  int16 type;
  char enabled;
  NameData name;
  bytea* arguments;
  int column_count;
  int16 columns[kMaxBoundColumns + 1];
};

CellTrigger* CopyCellTrigger(Relation catalog, HeapTuple tuple, Oid function) {
  const auto* const form = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(tuple));
  bool null;
  auto* const trigger = static_cast<CellTrigger*>(palloc0(sizeof(CellTrigger)));
  trigger->oid = form->oid;
  trigger->table = form->tgrelid;
  trigger->function = function;
  trigger->parent = form->tgparentid;
  trigger->type = form->tgtype;
  trigger->enabled = form->tgenabled;
  trigger->name = form->tgname;
  trigger->arguments = DatumGetByteaPCopy(
      heap_getattr(tuple, Anum_pg_trigger_tgargs, RelationGetDescr(catalog), &null));
  trigger->column_count = Min(form->tgattr.dim1, static_cast<int>(kMaxBoundColumns) + 1);
  memcpy(trigger->columns, form->tgattr.values, sizeof(int16) * trigger->column_count);
  return trigger;
}

// By the table they are on, or the one with that oid.
List* CellTriggers(AttrNumber key_column, Oid index, Oid value, Snapshot snapshot) {
  const Oid seal = TriggerFunction(kSealFunction);
  const Oid name = TriggerFunction(kNameFunction);
  List* triggers = NIL;
  ScanKeyData key;
  ScanKeyInit(&key, key_column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(value));
  const Relation catalog = table_open(TriggerRelationId, AccessShareLock);
  const SysScanDesc scan = systable_beginscan(catalog, index, true, snapshot, 1, &key);
  while (const HeapTuple tuple = systable_getnext(scan)) {
    const Oid function = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(tuple))->tgfoid;
    if (function == seal || function == name)
      triggers = lappend(triggers, CopyCellTrigger(catalog, tuple, function));
  }
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
  return triggers;
}

List* CellTriggersOf(Oid table, Snapshot snapshot) {
  return CellTriggers(Anum_pg_trigger_tgrelid, TriggerRelidNameIndexId, table, snapshot);
}

const CellTrigger* Find(List* triggers, Oid oid) {
  ListCell* cell;
  foreach (cell, triggers) {
    const auto* const trigger = static_cast<const CellTrigger*>(lfirst(cell));
    if (trigger->oid == oid) return trigger;
  }
  return nullptr;
}

bool SameBut(const CellTrigger* a, const CellTrigger* b) {
  return a->function == b->function && a->type == b->type &&
         strcmp(NameStr(a->name), NameStr(b->name)) == 0 &&
         VARSIZE(a->arguments) == VARSIZE(b->arguments) &&
         memcmp(a->arguments, b->arguments, VARSIZE(a->arguments)) == 0 &&
         a->column_count == b->column_count &&
         memcmp(a->columns, b->columns, sizeof(int16) * a->column_count) == 0;
}

[[noreturn]] void RefuseTrigger(const CellTrigger* trigger, Oid table, const char* done) {
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("trigger \"%s\" protects a column of \"%s\" and cannot be %s",
                         NameStr(trigger->name), get_rel_name(table), done),
                  errhint("%s", kHint)));
}

// What was there is there as it was. One that did not fire always before (in a restore, until ENABLE ALWAYS) may
// stay as it is.
void JudgeTriggers(Oid table, List* before, List* now) {
  ListCell* cell;
  foreach (cell, before) {
    const auto* const was = static_cast<const CellTrigger*>(lfirst(cell));
    const CellTrigger* const is = Find(now, was->oid);
    // A partition that is detached loses its clones; its values stay sealed.
    if (is == nullptr && OidIsValid(was->parent) && !get_rel_relispartition(table)) continue;
    if (is == nullptr) RefuseTrigger(was, table, "dropped");
    if (!SameBut(was, is)) RefuseTrigger(was, table, "renamed or replaced");
    if (is->enabled != was->enabled && was->enabled != TRIGGER_DISABLED &&
        is->enabled != TRIGGER_FIRES_ALWAYS)
      RefuseTrigger(was, table,
                    is->enabled == TRIGGER_DISABLED ? "disabled" : "made to fire at times only");
  }
}

const ColumnFacts* FindColumn(List* columns, int number) {
  ListCell* cell;
  foreach (cell, columns) {
    const auto* const column = static_cast<const ColumnFacts*>(lfirst(cell));
    if (column->number == number) return column;
  }
  return nullptr;
}

void JudgeBoundColumns(Oid table, const CellTrigger* trigger) {
  List* const columns = ColumnsOf(table, nullptr);
  for (int i = 1; i < trigger->column_count; ++i) {
    const ColumnFacts* const column = FindColumn(columns, trigger->columns[i]);
    if (column == nullptr || (column->not_null && !column->generated)) continue;
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("column \"%s\" of \"%s\" must stay NOT NULL: values of a protected column are "
                    "bound to it",
                    NameStr(column->name), get_rel_name(table)),
             errhint("%s", kHint)));
  }
}

void JudgeCells(Oid table, Snapshot before) {
  if (!OidIsValid(table) || get_rel_name(table) == nullptr || IsOwn(table, before)) return;
  List* const was = CellTriggersOf(table, before);
  List* const is = CellTriggersOf(table, nullptr);
  if (was == NIL && is == NIL) return;
  JudgeTriggers(table, was, is);
  ListCell* cell;
  foreach (cell, was) {
    const auto* const trigger = static_cast<const CellTrigger*>(lfirst(cell));
    if (Find(is, trigger->oid) != nullptr) JudgeBoundColumns(table, trigger);
  }
  if (is == NIL) return;
  const Relation relation = table_open(table, AccessShareLock);
  CheckNoTriggerAfterSealing(relation);
  table_close(relation, AccessShareLock);
  JudgeNewPartitions(table, before);
}

// What pg_restore --disable-triggers leaves is made to fire always again.
void FireCellsAlways(Oid table) {
  BeginOwnDdl(table);
  ListCell* cell;
  foreach (cell, CellTriggersOf(table, nullptr)) {
    const auto* const trigger = static_cast<const CellTrigger*>(lfirst(cell));
    if (trigger->enabled != TRIGGER_FIRES_ON_ORIGIN) continue;
    RunCommand(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", QualifiedName(table),
                        quote_identifier(NameStr(trigger->name))));
  }
  EndOwnDdl();
}

// Tables, and triggers that were made or dropped, as pairs of (classid, objid).
int ReadObjects(const char* event, Oid** objects) {
  const char* const query =
      strcmp(event, "sql_drop") == 0
          ? "SELECT classid, objid FROM pg_event_trigger_dropped_objects() WHERE classid = "
            "'pg_trigger'::regclass OR (classid = 'pg_class'::regclass AND objsubid > 0)"
          : "SELECT classid, objid FROM pg_event_trigger_ddl_commands() WHERE classid IN "
            "('pg_class'::regclass, 'pg_trigger'::regclass)";
  if (SPI_execute(query, true, 0) != SPI_OK_SELECT) elog(ERROR, "SPI failed on: %s", query);
  const int count = static_cast<int>(SPI_processed);
  *objects = static_cast<Oid*>(palloc(sizeof(Oid) * 2 * (count + 1)));
  for (int i = 0; i < 2 * count; ++i) {
    bool null;
    (*objects)[i] = DatumGetObjectId(
        SPI_getbinval(SPI_tuptable->vals[i / 2], SPI_tuptable->tupdesc, i % 2 + 1, &null));
  }
  return count;
}

Oid TableOf(Oid catalog, Oid object, Snapshot before) {
  if (catalog == RelationRelationId) return object;
  for (const Snapshot snapshot : {static_cast<Snapshot>(nullptr), before}) {
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(object));
    const Relation table = table_open(TriggerRelationId, AccessShareLock);
    const SysScanDesc scan = systable_beginscan(table, TriggerOidIndexId, true, snapshot, 1, &key);
    const HeapTuple tuple = systable_getnext(scan);
    const Oid found = HeapTupleIsValid(tuple)
                          ? reinterpret_cast<Form_pg_trigger>(GETSTRUCT(tuple))->tgrelid
                          : InvalidOid;
    systable_endscan(scan);
    table_close(table, AccessShareLock);
    if (OidIsValid(found)) return found;
  }
  return InvalidOid;
}

void JudgeEvent(const EventTriggerData* data) {
  const bool drop = strcmp(data->event, "sql_drop") == 0;
  if (restore_mode && drop) return;
  Oid* objects;
  const int count = ReadObjects(data->event, &objects);
  if (count == 0) return;
  const Snapshot before = BeforeThisCommand();
  for (int i = 0; i < count; ++i) {
    const Oid table = TableOf(objects[2 * i], objects[2 * i + 1], before);
    if (!restore_mode) {
      JudgeCells(table, before);
    } else if (OidIsValid(table) && !IsOwn(table, before) && objects[2 * i] == RelationRelationId &&
               CellTriggersOf(table, nullptr) != NIL) {
      FireCellsAlways(table);
    }
  }
  UnregisterSnapshot(before);
}

}  // namespace

BULLA_FUNCTION(bulla_judge_columns);
Datum bulla_judge_columns(PG_FUNCTION_ARGS) {
  if (!CALLED_AS_EVENT_TRIGGER(fcinfo)) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("this function must be called as an event trigger")));
  }
  if (creating_extension) PG_RETURN_NULL();
  SPI_connect();
  JudgeEvent(reinterpret_cast<const EventTriggerData*>(fcinfo->context));
  SPI_finish();
  PG_RETURN_NULL();
}

}  // namespace bulla
