// The functions of Bulla's event triggers.

#include "pg/boundary.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
}

#include "pg/ddl_catalog.h"
#include "pg/ddl_drop.h"
#include "pg/ddl_start.h"
#include "pg/ddl_table.h"
#include "pg/ddl_types.h"
#include "pg/settings.h"

namespace bulla {
namespace {

const EventTriggerData* CheckedEvent(FunctionCallInfo fcinfo, const char* event) {
  const auto* const data = reinterpret_cast<const EventTriggerData*>(fcinfo->context);
  if (!CALLED_AS_EVENT_TRIGGER(fcinfo) || strcmp(data->event, event) != 0) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("this function must be called as an event trigger ON %s", event),
                    errhint("CREATE EXTENSION bulla makes the event triggers.")));
  }
  return data;
}

// Bulla's own install and update scripts.
bool InOwnScript() {
  return creating_extension && CurrentExtensionObject == get_extension_oid("bulla", true);
}

struct Object {
  Oid catalog;
  Oid oid;
  int column;
};

// Rows of (classid, objid, objsubid), copied into the caller's memory.
Object* ReadObjects(const char* query, int* count) {
  const MemoryContext caller = CurrentMemoryContext;
  SPI_connect();
  if (SPI_execute(query, true, 0) != SPI_OK_SELECT) elog(ERROR, "SPI failed on: %s", query);
  *count = static_cast<int>(SPI_processed);
  auto* const objects = static_cast<Object*>(
      MemoryContextAlloc(caller, sizeof(Object) * static_cast<size_t>(*count + 1)));
  for (int i = 0; i < *count; ++i) {
    bool null;
    const auto value = [&](int column) {
      return SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, column, &null);
    };
    objects[i] = {DatumGetObjectId(value(1)), DatumGetObjectId(value(2)), DatumGetInt32(value(3))};
  }
  SPI_finish();
  return objects;
}

// The table that a row of pg_trigger or pg_rewrite is about.
Oid TableOfPart(Oid catalog, Oid oid) {
  const bool rule = catalog == RewriteRelationId;
  ScanKeyData key;
  ScanKeyInit(&key,
              rule ? static_cast<AttrNumber>(Anum_pg_rewrite_oid)
                   : static_cast<AttrNumber>(Anum_pg_trigger_oid),
              BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(oid));
  const Relation relation = table_open(catalog, AccessShareLock);
  const SysScanDesc scan = systable_beginscan(
      relation, rule ? RewriteOidIndexId : TriggerOidIndexId, true, nullptr, 1, &key);
  const HeapTuple tuple = systable_getnext(scan);
  Oid table = InvalidOid;
  if (HeapTupleIsValid(tuple)) {
    table = rule ? reinterpret_cast<Form_pg_rewrite>(GETSTRUCT(tuple))->ev_class
                 : reinterpret_cast<Form_pg_trigger>(GETSTRUCT(tuple))->tgrelid;
  }
  systable_endscan(scan);
  table_close(relation, AccessShareLock);
  return table;
}

void JudgeRule(Oid table) {
  if (!OidIsValid(table) || !OidIsValid(LedgerOf(table, nullptr))) return;
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("ledger \"%s\" cannot have rules, which rewrite statements before any "
                         "trigger sees them",
                         get_rel_name(table)),
                  errhint("Use a trigger, or a view with a rule.")));
}

void JudgeObject(const Object& object, Snapshot before) {
  const bool relation = object.catalog == RelationRelationId;
  if (object.catalog == TypeRelationId) {
    JudgeType(object.oid, before);
  } else if (relation && get_rel_relkind(object.oid) == RELKIND_COMPOSITE_TYPE) {
    JudgeType(get_rel_type_id(object.oid), before);
  } else if (object.catalog == RewriteRelationId) {
    JudgeRule(TableOfPart(object.catalog, object.oid));
  } else {
    const Oid table = relation ? object.oid : TableOfPart(object.catalog, object.oid);
    if (OidIsValid(table) && !IsOwn(table, before)) JudgeTable(table, before);
  }
}

}  // namespace

BULLA_FUNCTION(bulla_judge_ddl_start);
Datum bulla_judge_ddl_start(PG_FUNCTION_ARGS) {
  const EventTriggerData* const data = CheckedEvent(fcinfo, "ddl_command_start");
  if (!restore_mode && !InOwnScript()) JudgeStart(data->parsetree);
  PG_RETURN_NULL();
}

BULLA_FUNCTION(bulla_judge_ddl_end);
Datum bulla_judge_ddl_end(PG_FUNCTION_ARGS) {
  CheckedEvent(fcinfo, "ddl_command_end");
  if (InOwnScript()) PG_RETURN_NULL();
  int count;
  const Object* const objects = ReadObjects(
      "SELECT c.classid, c.objid, c.objsubid FROM pg_catalog.pg_event_trigger_ddl_commands() AS c "
      "WHERE c.classid OPERATOR(pg_catalog.=) ANY (ARRAY[1247, 1259, 2618, "
      "2620]::pg_catalog.oid[])",
      &count);
  if (count == 0) PG_RETURN_NULL();
  const Snapshot before = BeforeThisCommand();
  for (int i = 0; i < count; ++i) {
    if (!restore_mode) {
      JudgeObject(objects[i], before);
    } else if (objects[i].catalog == RelationRelationId && !IsOwn(objects[i].oid, before)) {
      PutProtectionBack(objects[i].oid, before);
    }
  }
  UnregisterSnapshot(before);
  PG_RETURN_NULL();
}

BULLA_FUNCTION(bulla_judge_drop);
Datum bulla_judge_drop(PG_FUNCTION_ARGS) {
  CheckedEvent(fcinfo, "sql_drop");
  if (restore_mode || InOwnScript()) PG_RETURN_NULL();
  int count;
  const Object* const objects = ReadObjects(
      "SELECT d.classid, d.objid, d.objsubid FROM pg_catalog.pg_event_trigger_dropped_objects() AS "
      "d "
      "WHERE d.classid OPERATOR(pg_catalog.=) 2620::pg_catalog.oid "
      "OR (d.classid OPERATOR(pg_catalog.=) 1259::pg_catalog.oid AND (d.objsubid "
      "OPERATOR(pg_catalog.>) 0 OR d.object_type OPERATOR(pg_catalog.=) 'index'))",
      &count);
  if (count == 0) PG_RETURN_NULL();
  const Snapshot before = BeforeThisCommand();
  for (int i = 0; i < count; ++i)
    JudgeDropped(objects[i].catalog, objects[i].oid, objects[i].column, before);
  UnregisterSnapshot(before);
  PG_RETURN_NULL();
}

BULLA_FUNCTION(bulla_judge_rewrite);
Datum bulla_judge_rewrite(PG_FUNCTION_ARGS) {
  const EventTriggerData* const data = CheckedEvent(fcinfo, "table_rewrite");
  if (restore_mode || InOwnScript()) PG_RETURN_NULL();
  const Oid table = DatumGetObjectId(OidFunctionCall0(F_PG_EVENT_TRIGGER_TABLE_REWRITE_OID));
  const int32 reason = DatumGetInt32(OidFunctionCall0(F_PG_EVENT_TRIGGER_TABLE_REWRITE_REASON));
  if ((reason & AT_REWRITE_COLUMN_REWRITE) == 0) PG_RETURN_NULL();
  const Snapshot before = BeforeThisCommand();
  if (!IsOwn(table, before)) JudgeRewrite(table, data->parsetree, before);
  UnregisterSnapshot(before);
  PG_RETURN_NULL();
}

}  // namespace bulla
