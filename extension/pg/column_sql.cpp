// SQL functions that protect a column, end that, and show what is protected.

#include "pg/boundary.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
}

#include "pg/arguments.h"
#include "pg/cell_keys.h"
#include "pg/cell_triggers.h"
#include "pg/cell_value.h"
#include "pg/column_checks.h"
#include "pg/emergency.h"
#include "pg/event_log.h"
#include "pg/ledger_checks.h"
#include "pg/ledger_relation.h"
#include "pg/own_ddl.h"
#include "pg/run_command.h"
#include "pg/uuid_ids.h"

namespace bulla {
namespace {

Oid TableArgument(FunctionCallInfo fcinfo) {
  RefuseNull(fcinfo, 0, "table");
  const Oid table = PG_GETARG_OID(0);
  CheckOwnsTable(table);
  CheckIsNotBullas(table);
  return table;
}

CellId NewCellId() {
  return IdOfUuid<CellId>(*DatumGetUUIDP(DirectFunctionCall1(gen_random_uuid, Datum{0})));
}

CellArguments NewArguments(const pg_uuid_t& key, List* bind_to) {
  auto* const names = static_cast<const char**>(palloc(sizeof(char*) * (list_length(bind_to) + 1)));
  for (int i = 0; i < list_length(bind_to); ++i)
    names[i] = static_cast<const char*>(list_nth(bind_to, i));
  return {NewCellId(), key, list_length(bind_to), names};
}

// What was protected before keeps its id, if it is bound to the same columns under the same key.
CellArguments ArgumentsAgain(Relation table, const Trigger* named, const pg_uuid_t& key,
                             List* bind_to) {
  char** const copies = static_cast<char**>(palloc(sizeof(char*) * named->tgnargs));
  for (int i = 0; i < named->tgnargs; ++i) copies[i] = pstrdup(named->tgargs[i]);
  const CellArguments was = ParseCellArguments(named->tgnargs, copies);
  bool same =
      memcmp(was.key.data, key.data, UUID_LEN) == 0 && was.bound_count == list_length(bind_to);
  for (int i = 0; same && i < was.bound_count; ++i)
    same = named->tgattr[i + 1] ==
           get_attnum(RelationGetRelid(table), static_cast<const char*>(list_nth(bind_to, i)));
  if (!same) {
    ereport(
        ERROR,
        (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
         errmsg("the column was protected under another key or bound to other columns"),
         errhint("Name the same key and bind_to, or end that by bulla.unprotect_column(…, forget "
                 "=> true) once no sealed value is left.")));
  }
  return was;
}

const char* ColumnList(const char* column, List* bind_to) {
  StringInfoData list;
  initStringInfo(&list);
  appendStringInfoString(&list, quote_identifier(column));
  ListCell* cell;
  foreach (cell, bind_to)
    appendStringInfo(&list, ", %s", quote_identifier(static_cast<const char*>(lfirst(cell))));
  return list.data;
}

void CreateTrigger(Oid table, const char* name, const char* when, const char* condition,
                   const char* function, const CellArguments& arguments) {
  RunCommand(
      psprintf("CREATE TRIGGER %s BEFORE %s ON %s FOR EACH ROW %sEXECUTE FUNCTION bulla.%s(%s)",
               name, when, QualifiedName(table), condition, function, CellArgumentsSql(arguments)));
  // Also where session_replication_role is replica.
  RunCommand(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", QualifiedName(table), name));
}

void CreateTriggers(Oid table, const char* column, List* bind_to, const CellArguments& arguments,
                    bool named) {
  SPI_connect();
  BeginOwnDdl(table);
  if (!named)
    CreateTrigger(table, NameTriggerName(arguments.id),
                  psprintf("UPDATE OF %s", ColumnList(column, bind_to)), "WHEN (false) ",
                  kNameFunction, arguments);
  CreateTrigger(table, SealTriggerName(arguments.id), "INSERT OR UPDATE", "", kSealFunction,
                arguments);
  EndOwnDdl();
  SPI_finish();
}

void Record(const char* action, Oid table, const char* column, const CellArguments& arguments,
            List* bind_to) {
  const char* const key = NameOfKey(arguments.key);
  RecordEvent(action, EventDetail()
                          .Text("table", QualifiedName(table))
                          .Text("column", column)
                          .Text("protection", IdText(arguments.id))
                          .Text("key", key != nullptr ? key : "")
                          .Text("key_id", DatumGetCString(DirectFunctionCall1(
                                              uuid_out, UUIDPGetDatum(&arguments.key))))
                          .Texts("bind_to", bind_to));
}

// With the name trigger's column list, so in the names of now.
List* BoundNow(Oid table, const Trigger* named) {
  List* names = NIL;
  for (int i = 1; i < named->tgnattr; ++i)
    names = lappend(names, get_attname(table, named->tgattr[i], false));
  return names;
}

void DropTrigger(Oid table, const char* name) {
  RunCommand(psprintf("DROP TRIGGER %s ON %s", quote_identifier(name), QualifiedName(table)));
}

Datum NameArrayDatum(List* names) {
  auto* const elements = static_cast<Datum*>(palloc(sizeof(Datum) * (list_length(names) + 1)));
  for (int i = 0; i < list_length(names); ++i) {
    auto* const name = static_cast<NameData*>(palloc0(NAMEDATALEN));
    namestrcpy(name, static_cast<const char*>(list_nth(names, i)));
    elements[i] = NameGetDatum(name);
  }
  return PointerGetDatum(
      construct_array(elements, list_length(names), NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR));
}

// Fires always, on the table and on every partition.
bool SealsEverywhere(Oid table, const CellId& id) {
  ListCell* cell;
  foreach (cell, find_all_inheritors(table, AccessShareLock, nullptr)) {
    const Relation part = table_open(lfirst_oid(cell), NoLock);
    const Trigger* const seal = FindSealTrigger(part, id);
    const bool always = seal != nullptr && seal->tgenabled == TRIGGER_FIRES_ALWAYS;
    table_close(part, NoLock);
    if (!always) return false;
  }
  return true;
}

}  // namespace

BULLA_FUNCTION(bulla_protect_column);
Datum bulla_protect_column(PG_FUNCTION_ARGS) {
  RequireNotRestricted(Restriction::kReadOnly);
  const Oid table = TableArgument(fcinfo);
  const char* const column = NameArgument(fcinfo, 1, "column");
  const char* const key_name = CStringArgument(fcinfo, 2, "key");
  RefuseNull(fcinfo, 3, "bind_to");
  List* const bind_to = NameList(PG_GETARG_ARRAYTYPE_P(3), "bind_to");

  // As CREATE TRIGGER locks it: writers wait, readers do not.
  const Relation relation = table_open(table, ShareRowExclusiveLock);
  CheckCanProtect(relation, column, bind_to);
  const pg_uuid_t key = EncryptionKeyOfName(key_name);
  const Trigger* const named = FindNameTrigger(relation, ColumnNumber(relation, column));
  const CellArguments arguments =
      named == nullptr ? NewArguments(key, bind_to) : ArgumentsAgain(relation, named, key, bind_to);
  if (FindSealTrigger(relation, arguments.id) != nullptr) {
    ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT),
                    errmsg("column \"%s\" of \"%s\" is protected already", column,
                           RelationGetRelationName(relation)),
                    errhint("bulla.protected_columns lists the columns that are.")));
  }
  CheckMaySeal(relation->rd_rel->relowner, key_name);
  table_close(relation, NoLock);  // CREATE TRIGGER refuses a table that is open here
  CreateTriggers(table, column, bind_to, arguments, named != nullptr);
  Record("column.protected", table, column, arguments, bind_to);
  return IdDatum(arguments.id);
}

BULLA_FUNCTION(bulla_unprotect_column);
Datum bulla_unprotect_column(PG_FUNCTION_ARGS) {
  RequireNotRestricted(Restriction::kReadOnly);
  const Oid table = TableArgument(fcinfo);
  const char* const column = NameArgument(fcinfo, 1, "column");
  RefuseNull(fcinfo, 2, "forget");
  const bool forget = PG_GETARG_BOOL(2);

  const Relation relation = table_open(table, AccessExclusiveLock);
  const Trigger* const named = FindNameTrigger(relation, ColumnNumber(relation, column));
  if (named == nullptr || relation->rd_rel->relispartition) {
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("column \"%s\" of \"%s\" is not protected%s", column,
                           RelationGetRelationName(relation),
                           named == nullptr ? "" : " by itself, but as that of a partition"),
                    errhint("bulla.protected_columns lists the columns that are.")));
  }
  const CellArguments arguments = ParseCellArguments(named->tgnargs, named->tgargs);
  const Trigger* const seal = FindSealTrigger(relation, arguments.id);
  const char* const seal_name = seal != nullptr ? pstrdup(seal->tgname) : nullptr;
  const char* const name_name = forget ? pstrdup(named->tgname) : nullptr;
  Record(forget ? "column.forgotten" : "column.unprotected", table, column, arguments,
         BoundNow(table, named));
  table_close(relation, NoLock);
  SPI_connect();
  BeginOwnDdl(table);
  if (seal_name != nullptr) DropTrigger(table, seal_name);
  if (name_name != nullptr) DropTrigger(table, name_name);
  EndOwnDdl();
  SPI_finish();
  PG_RETURN_VOID();
}

BULLA_FUNCTION(bulla_column_protection);
Datum bulla_column_protection(PG_FUNCTION_ARGS) {
  const Oid table = PG_GETARG_OID(0);
  TupleDesc description;
  if (get_call_result_type(fcinfo, nullptr, &description) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "return type must be a row type");
  Datum values[5] = {};
  bool nulls[5] = {};
  const Relation relation = table_open(table, AccessShareLock);
  const Trigger* const named = FindNameTrigger(relation, PG_GETARG_INT16(1));
  if (named == nullptr) {
    table_close(relation, AccessShareLock);
    PG_RETURN_NULL();
  }
  const CellArguments arguments = ParseCellArguments(named->tgnargs, named->tgargs);
  const char* const key = NameOfKey(arguments.key);
  values[0] = IdDatum(arguments.id);
  nulls[1] = key == nullptr;
  if (key != nullptr) values[1] = CStringGetTextDatum(key);
  values[2] = UUIDPGetDatum(&arguments.key);
  values[3] = NameArrayDatum(BoundNow(table, named));
  values[4] = BoolGetDatum(SealsEverywhere(table, arguments.id));
  const Datum result =
      HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(description), values, nulls));
  table_close(relation, AccessShareLock);
  return result;
}

}  // namespace bulla
