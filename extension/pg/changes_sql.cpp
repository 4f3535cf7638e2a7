// SQL functions that begin, end and describe audits of tables.

#include "pg/boundary.h"

extern "C" {
#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
}

#include "pg/arguments.h"
#include "pg/change_audit.h"
#include "pg/change_checks.h"
#include "pg/change_ledger.h"
#include "pg/emergency.h"
#include "pg/ledger_checks.h"
#include "pg/ledger_relation.h"

namespace bulla {
namespace {

NamedColumn* NewColumn(const char* name, const char* key) {
  auto* const column = static_cast<NamedColumn*>(palloc0(sizeof(NamedColumn)));
  column->name = name;
  column->key = key;
  return column;
}

List* ColumnsArgument(FunctionCallInfo fcinfo, int argument, const char* name) {
  RefuseNull(fcinfo, argument, name);
  List* columns = NIL;
  ListCell* cell;
  foreach (cell, NameList(PG_GETARG_ARRAYTYPE_P(argument), name))
    columns = lappend(columns, NewColumn(static_cast<const char*>(lfirst(cell)), nullptr));
  return columns;
}

const char* StringOf(const JsonbValue& value) {
  return pnstrdup(value.val.string.val, value.val.string.len);
}

// {"column": "key", …}
List* SealArgument(FunctionCallInfo fcinfo, int argument) {
  RefuseNull(fcinfo, argument, "seal");
  Jsonb* const seal = PG_GETARG_JSONB_P(argument);
  List* columns = NIL;
  JsonbIterator* members = JsonbIteratorInit(&seal->root);
  JsonbValue value;
  JsonbIteratorToken token;
  const char* name = nullptr;
  bool good = JB_ROOT_IS_OBJECT(seal);
  while (good && (token = JsonbIteratorNext(&members, &value, true)) != WJB_DONE) {
    if (token == WJB_KEY) {
      name = StringOf(value);
    } else if (token == WJB_VALUE) {
      good = value.type == jbvString;
      if (good) columns = lappend(columns, NewColumn(name, StringOf(value)));
    }
  }
  if (!good) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("seal must be an object of columns and the names of their keys"),
                    errhint("For example seal => '{\"card_number\": \"card\"}'.")));
  }
  return columns;
}

// What rows are in a table's children by inheritance is not its own.
void TellOfChildren(Relation source) {
  if (source->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ||
      find_inheritance_children(RelationGetRelid(source), NoLock) == NIL)
    return;
  ereport(NOTICE, (errmsg("changes of tables that inherit from \"%s\" are not recorded by this",
                          RelationGetRelationName(source)),
                   errhint("Call bulla.audit_changes for each of them.")));
}

Datum NamesDatum(Relation source, const ChangeSettings& settings, List* columns) {
  auto* const names = static_cast<Datum*>(palloc(sizeof(Datum) * (list_length(columns) + 1)));
  int count = 0;
  ListCell* cell;
  foreach (cell, columns) {
    const char* const name =
        CurrentName(source, settings, static_cast<const NamedColumn*>(lfirst(cell)));
    if (name != nullptr) names[count++] = DirectFunctionCall1(namein, CStringGetDatum(name));
  }
  return PointerGetDatum(construct_array(names, count, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR));
}

void PushText(JsonbParseState** json, JsonbIteratorToken token, const char* text) {
  JsonbValue value;
  value.type = jbvString;
  value.val.string.val = pstrdup(text);
  value.val.string.len = static_cast<int>(strlen(text));
  pushJsonbValue(json, token, &value);
}

Datum SealDatum(Relation source, const ChangeSettings& settings) {
  JsonbParseState* json = nullptr;
  pushJsonbValue(&json, WJB_BEGIN_OBJECT, nullptr);
  ListCell* cell;
  foreach (cell, settings.seal) {
    const auto* const column = static_cast<const NamedColumn*>(lfirst(cell));
    const char* const name = CurrentName(source, settings, column);
    if (name == nullptr) continue;
    PushText(&json, WJB_KEY, name);
    PushText(&json, WJB_VALUE, column->key);
  }
  return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&json, WJB_END_OBJECT, nullptr)));
}

}  // namespace

BULLA_FUNCTION(bulla_audit_changes);
Datum bulla_audit_changes(PG_FUNCTION_ARGS) {
  RequireNotRestricted(Restriction::kReadOnly);
  RefuseNull(fcinfo, 0, "source");
  ChangeSettings settings = {};
  settings.source = PG_GETARG_OID(0);
  settings.all_columns = PG_ARGISNULL(2);
  if (!settings.all_columns) settings.columns = ColumnsArgument(fcinfo, 2, "columns");
  settings.skip = ColumnsArgument(fcinfo, 3, "skip");
  settings.erasable = ColumnsArgument(fcinfo, 4, "erasable");
  settings.seal = SealArgument(fcinfo, 5);
  CheckOwnsTable(settings.source);
  CheckIsNotBullas(settings.source);

  SPI_connect();
  const Relation source = relation_open(settings.source, ShareRowExclusiveLock);
  CheckCanBeAudited(source);
  CheckAuditedColumns(source, settings);
  TellOfChildren(source);
  relation_close(source, NoLock);

  settings.ledger = PG_ARGISNULL(1) ? ChangesLedger() : PG_GETARG_OID(1);
  CheckTableExists(settings.ledger);
  const Relation ledger = relation_open(settings.ledger, RowExclusiveLock);
  CheckMayAppendTo(ledger, settings.erasable != NIL);
  settings.ledger_id = DescribeLedger(ledger)->arguments.id;
  relation_close(ledger, NoLock);
  settings.ledger_name = QualifiedName(settings.ledger);

  StartAudit(settings);
  SPI_finish();
  PG_RETURN_VOID();
}

BULLA_FUNCTION(bulla_stop_auditing);
Datum bulla_stop_auditing(PG_FUNCTION_ARGS) {
  RequireNotRestricted(Restriction::kReadOnly);
  RefuseNull(fcinfo, 0, "source");
  const Oid table = PG_GETARG_OID(0);
  CheckOwnsTable(table);
  SPI_connect();
  const Relation source = relation_open(table, ShareRowExclusiveLock);
  AuditOf(source);
  const Oid root = FindAuditedRoot(source);
  if (OidIsValid(root) && root != table) {
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("changes of \"%s\" are recorded as those of a partition of \"%s\"",
                           RelationGetRelationName(source), get_rel_name(root)),
                    errhint("Name that table.")));
  }
  relation_close(source, NoLock);
  StopAudit(table);
  SPI_finish();
  PG_RETURN_VOID();
}

// For the view bulla.audited_tables: what a table's audit is, in names of now.
BULLA_FUNCTION(bulla_audit_settings);
Datum bulla_audit_settings(PG_FUNCTION_ARGS) {
  TupleDesc columns;
  if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "return type must be a row type");
  const Relation source = try_relation_open(PG_GETARG_OID(0), AccessShareLock);
  // Dropped meanwhile, or a superuser's own trigger that records nothing.
  if (source == nullptr || FindCaptureTrigger(source) == nullptr) {
    if (source != nullptr) relation_close(source, AccessShareLock);
    PG_RETURN_NULL();
  }
  const ChangeSettings settings = AuditOf(source);
  const Oid ledger = FindChangeLedger(settings);
  Datum values[] = {
      ObjectIdGetDatum(ledger),
      settings.all_columns ? Datum{0} : NamesDatum(source, settings, settings.columns),
      NamesDatum(source, settings, settings.skip),
      NamesDatum(source, settings, settings.erasable),
      SealDatum(source, settings),
  };
  bool nulls[lengthof(values)] = {!OidIsValid(ledger), settings.all_columns};
  relation_close(source, AccessShareLock);
  PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls)));
}

}  // namespace bulla
