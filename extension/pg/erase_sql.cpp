// bulla.erase: removes values that are erasable from one row of a ledger, and says so in bulla.events.
// bulla.erased_columns: which values of a row were.

#include "pg/boundary.h"

extern "C" {
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
}

#include "core/openings.h"
#include "pg/arguments.h"
#include "pg/emergency.h"
#include "pg/erasure.h"
#include "pg/ledger_checks.h"
#include "pg/ledger_relation.h"
#include "pg/row_record.h"
#include "pg/row_scan.h"
#include "pg/versions.h"
#include "pg/value_bytes.h"

namespace bulla {
namespace {

struct Request {
  Oid ledger;
  const char* chain;
  int64 seq;
  List* columns;  // names
  const char* reason;
};

const char* ErasableColumns(const LedgerRelation* ledger) {
  StringInfoData names;
  initStringInfo(&names);
  for (int i = 0; i < ledger->arguments.erasable_count; ++i)
    appendStringInfo(&names, "%s%s", i > 0 ? ", " : "", ledger->arguments.erasable[i]);
  return names.data;
}

void CheckErasableColumn(const LedgerRelation* ledger, const char* name) {
  for (int i = 0; i < ledger->arguments.erasable_count; ++i)
    if (strcmp(ledger->arguments.erasable[i], name) == 0) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("column \"%s\" of ledger \"%s\" is not erasable", name,
                         get_rel_name(ledger->relation)),
                  ledger->arguments.erasable_count > 0
                      ? errhint("Erasable are: %s.", ErasableColumns(ledger))
                      : errhint("Which columns are is said when a ledger is made: "
                                "bulla.create_ledger(…, erasable => …).")));
}

// UPDATE on the table, or on this column.
void CheckMayErase(Oid table, const char* name) {
  if (pg_class_aclcheck(table, GetUserId(), ACL_UPDATE) == ACLCHECK_OK ||
      pg_attribute_aclcheck(table, get_attnum(table, name), GetUserId(), ACL_UPDATE) == ACLCHECK_OK)
    return;
  ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                  errmsg("permission denied to erase column \"%s\" of ledger \"%s\"", name,
                         get_rel_name(table)),
                  errhint("Who may UPDATE the column may erase it: GRANT UPDATE (%s) ON %s TO …",
                          quote_identifier(name), QualifiedName(table))));
}

void CheckColumns(const LedgerRelation* ledger, const Request& request) {
  ListCell* cell;
  foreach (cell, request.columns) {
    const auto* const name = static_cast<const char*>(lfirst(cell));
    CheckErasableColumn(ledger, name);
    CheckMayErase(request.ledger, name);
  }
}

List* ColumnList(ArrayType* names) {
  List* const list = NameList(names, "columns");
  if (list == NIL) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("columns must name at least one column")));
  }
  return list;
}

const char* ReasonArgument(FunctionCallInfo fcinfo) {
  const char* const reason = text_to_cstring(PG_GETARG_TEXT_PP(4));
  if (*reason == '\0') {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("reason must not be empty"),
                    errhint("It is kept in bulla.events for ever: name the request or the rule, "
                            "and nobody's data.")));
  }
  return reason;
}

// Locks the row as the current user may see and update it: row-level security has its say.
void LockRow(const LedgerRelation* ledger, const Request& request, ChainValues chain) {
  const int count = ledger->arguments.chain_by_count;
  auto* const types = static_cast<Oid*>(palloc(sizeof(Oid) * (count + 1)));
  auto* const values = static_cast<Datum*>(palloc(sizeof(Datum) * (count + 1)));
  StringInfoData query;
  initStringInfo(&query);
  appendStringInfo(&query, "SELECT FROM %s WHERE ", QualifiedName(request.ledger));
  for (int i = 0; i < count; ++i) {
    const LedgerColumn& column = ledger->columns[ledger->chain_by[i]];
    appendStringInfo(&query, "%s OPERATOR(pg_catalog.=) $%d AND ", quote_identifier(column.name),
                     i + 1);
    types[i] = column.type_oid;
    values[i] = chain[i];
  }
  appendStringInfo(&query, "seq OPERATOR(pg_catalog.=) $%d FOR NO KEY UPDATE", count + 1);
  types[count] = INT8OID;
  values[count] = Int64GetDatum(request.seq);
  if (SPI_execute_with_args(query.data, count + 1, types, values, nullptr, false, 0) !=
      SPI_OK_SELECT)
    elog(ERROR, "SPI failed on: %s", query.data);
  if (SPI_processed == 0) {
    ereport(
        ERROR,
        (errcode(ERRCODE_NO_DATA_FOUND),
         errmsg("ledger \"%s\" has no row with seq %lld in chain \"%s\" that you may see",
                get_rel_name(request.ledger), static_cast<long long>(request.seq), request.chain)));
  }
}

struct Place {
  Oid relation;
  ItemPointerData row;
};

void AddPlace(LedgerRelation*, TupleTableSlot* row, void* places) {
  auto* const place = static_cast<Place*>(palloc(sizeof(Place)));
  *place = {row->tts_tableOid, row->tts_tid};
  auto* const list = static_cast<List**>(places);
  *list = lappend(*list, place);
}

// The row that LockRow locked, where it is now. Returns how many values were erased.
int EraseLockedRow(const LedgerRelation* ledger, const Request& request, ChainValues chain) {
  List* places = NIL;  // one, in a ledger that verifies
  ScanRows(request.ledger, chain, request.seq, request.seq, SnapshotSelf, AddPlace, &places);
  int erased = 0;
  ListCell* cell;
  foreach (cell, places) {
    auto* const place = static_cast<Place*>(lfirst(cell));
    const Relation relation = table_open(place->relation, RowExclusiveLock);
    List* const columns = EraseValues(relation, &place->row, request.columns);
    table_close(relation, NoLock);
    if (columns != NIL) RecordErasure(ledger, request.chain, request.seq, columns, request.reason);
    erased += list_length(columns);
  }
  return erased;
}

}  // namespace

BULLA_FUNCTION(bulla_erased_columns);
Datum bulla_erased_columns(PG_FUNCTION_ARGS) {
  if (PG_ARGISNULL(0)) PG_RETURN_ARRAYTYPE_P(construct_empty_array(NAMEOID));
  OpeningsReader openings(AsBytes(ValueBytes(PG_GETARG_DATUM(0))));
  if (!openings.ok()) PG_RETURN_NULL();
  auto* const names = static_cast<Datum*>(palloc(sizeof(Datum) * openings.count()));
  int count = 0;
  for (Opening opening; openings.Next(&opening);) {
    if (!opening.erased()) continue;
    const std::string_view name = AsText(opening.name);
    names[count++] =
        DirectFunctionCall1(namein, CStringGetDatum(pnstrdup(name.data(), name.size())));
  }
  PG_RETURN_ARRAYTYPE_P(construct_array(names, count, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR));
}

BULLA_FUNCTION(bulla_erase);
Datum bulla_erase(PG_FUNCTION_ARGS) {
  constexpr const char* kArguments[] = {"ledger", "chain", "seq", "columns", "reason"};
  for (int i = 0; i < static_cast<int>(lengthof(kArguments)); ++i)
    RefuseNull(fcinfo, i, kArguments[i]);
  PreventCommandIfReadOnly("bulla.erase()");
  RequireNotRestricted(Restriction::kReadOnly);
  PreventCommandDuringRecovery("bulla.erase()");
  PreventCommandIfParallelMode("bulla.erase()");
  Request request = {PG_GETARG_OID(0), text_to_cstring(PG_GETARG_TEXT_PP(1)), PG_GETARG_INT64(2),
                     ColumnList(PG_GETARG_ARRAYTYPE_P(3)), ReasonArgument(fcinfo)};
  CheckTableExists(request.ledger);
  const Relation relation = table_open(request.ledger, RowExclusiveLock);
  const LedgerRelation* const ledger = DescribeWholeLedger(relation);
  CheckColumns(ledger, request);
  const ChainValues chain = ChainOfName(ledger, request.chain);

  SPI_connect();
  LockRow(ledger, request, chain);
  request.chain = NameOfChain(ledger, chain);  // of the ways to write it, the one that verify uses
  const int erased = EraseLockedRow(ledger, request, chain);
  SPI_finish();
  table_close(relation, NoLock);
  PG_RETURN_INT32(erased);
}

}  // namespace bulla
