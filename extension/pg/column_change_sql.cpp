// The steps of the procedures bulla.encrypt_column and bulla.reencrypt_column (sql/bulla/46_column_changes.sql),
// between which they commit.

#include "pg/boundary.h"

extern "C" {
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
}

#include "pg/arguments.h"
#include "pg/cell_triggers.h"
#include "pg/cell_value.h"
#include "pg/change_settings.h"
#include "pg/column_batch.h"
#include "pg/column_holders.h"
#include "pg/column_progress.h"
#include "pg/ledger_checks.h"
#include "pg/ledger_relation.h"

namespace bulla {
namespace {

// The tables that have rows.
List* LeavesOf(Oid table) {
  List* leaves = NIL;
  ListCell* cell;
  foreach (cell, find_all_inheritors(table, AccessShareLock, nullptr))
    if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_RELATION)
      leaves = lappend_oid(leaves, lfirst_oid(cell));
  return leaves;
}

int64 BlocksOf(Oid leaf) {
  const Relation relation = table_open(leaf, AccessShareLock);
  const BlockNumber blocks = RelationGetNumberOfBlocks(relation);
  table_close(relation, AccessShareLock);
  return blocks;
}

Datum OidArray(List* oids) {
  auto* const elements = static_cast<Datum*>(palloc(sizeof(Datum) * (list_length(oids) + 1)));
  for (int i = 0; i < list_length(oids); ++i) elements[i] = ObjectIdGetDatum(list_nth_oid(oids, i));
  return PointerGetDatum(
      construct_array(elements, list_length(oids), REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT));
}

void RefuseLedger(Relation relation, bool reencrypt) {
  if (FindLedgerTrigger(relation) == nullptr) return;
  ereport(
      ERROR,
      (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
       errmsg("values of ledger \"%s\" cannot be %s: its hashes cover what is stored",
              RelationGetRelationName(relation), reencrypt ? "re-encrypted" : "encrypted"),
       errhint(reencrypt
                   ? "Keep the key versions that sealed them; destroying one shreds its values, "
                     "and the ledger goes on verifying."
                   : "bulla.protect_column seals what is appended from now on.")));
}

void RefuseHiddenRows(Oid leaf) {
  if (check_enable_rls(leaf, InvalidOid, true) != RLS_ENABLED) return;
  ereport(ERROR,
          (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
           errmsg("row-level security hides rows of \"%s\", which would stay as they are",
                  get_rel_name(leaf)),
           errhint("Call it as a role with BYPASSRLS, or run ALTER TABLE … NO FORCE ROW LEVEL "
                   "SECURITY.")));
}

StaleCells StaleArgument(FunctionCallInfo fcinfo, int argument) {
  return PG_GETARG_BOOL(argument) ? StaleCells::kOlderVersions : StaleCells::kPlaintext;
}

int64 BlocksBefore(Oid table, Oid leaf) {
  int64 blocks = 0;
  ListCell* cell;
  foreach (cell, LeavesOf(table)) {
    if (lfirst_oid(cell) == leaf) break;
    blocks += BlocksOf(lfirst_oid(cell));
  }
  return blocks;
}

// A protected column's table, its trigger in place: what writes seal from now on stays sealed.
Cell* SealedCell(Relation relation, const char* column) {
  Cell* const cell = DescribeCell(relation, column);
  const Trigger* const seal = FindSealTrigger(relation, cell->id);
  if (seal == nullptr || seal->tgenabled != TRIGGER_FIRES_ALWAYS) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("what is written to column \"%s\" of \"%s\" is not sealed", column,
                           RelationGetRelationName(relation)),
                    errhint("Call bulla.protect_column first.")));
  }
  return cell;
}

struct Unopened {
  int64 wrong;      // sealed, but not to open in their rows
  int64 unchecked;  // their key versions are disabled or destroyed
};

// What was sealed before, by somebody else than the trigger.
Unopened CountUnopened(Oid table, const char* column) {
  const char* const query = psprintf(
      "SELECT pg_catalog.count(*) FILTER (WHERE NOT s.opens), pg_catalog.count(*) FILTER (WHERE "
      "s.opens IS NULL) FROM (SELECT bulla.opens(t, %s) AS opens FROM %s AS t WHERE t.%s IS NOT "
      "NULL OFFSET 0) AS s",
      quote_literal_cstr(column), QualifiedName(table), quote_identifier(column));
  PushActiveSnapshot(GetLatestSnapshot());
  if (SPI_execute(query, true, 0) != SPI_OK_SELECT) elog(ERROR, "SPI failed on: %s", query);
  PopActiveSnapshot();
  bool null;
  const HeapTuple row = SPI_tuptable->vals[0];
  return {DatumGetInt64(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &null)),
          DatumGetInt64(SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &null))};
}

void TellUnopened(Oid table, const char* column, const Unopened& unopened) {
  const char* const name = QualifiedName(table);
  if (unopened.wrong > 0) {
    ereport(
        WARNING,
        (errcode(ERRCODE_WARNING),
         errmsg("%lld values of column \"%s\" of %s are sealed, but do not open in their rows",
                static_cast<long long>(unopened.wrong), column, name),
         errdetail("The application has sealed them with a context of its own, or they are of "
                   "another row or database, or were altered. They were left as they are."),
         errhint("To find them: SELECT * FROM %s AS t WHERE NOT bulla.opens(t, %s). What opens "
                 "otherwise is sealed for its row once it is written in the clear: UPDATE … SET %s "
                 "= bulla.decrypt(%s, its context).",
                 name, quote_literal_cstr(column), quote_identifier(column),
                 quote_identifier(column))));
  }
  if (unopened.unchecked > 0) {
    ereport(WARNING,
            (errcode(ERRCODE_WARNING),
             errmsg("%lld values of column \"%s\" of %s could not be checked: they are sealed "
                    "under key versions that are disabled or destroyed",
                    static_cast<long long>(unopened.unchecked), column, name),
             errhint("To find them: SELECT * FROM %s AS t WHERE t.%s IS NOT NULL AND "
                     "bulla.opens(t, %s) IS NULL.",
                     name, quote_identifier(column), quote_literal_cstr(column))));
  }
}

}  // namespace

BULLA_FUNCTION(bulla_begin_column_change);
Datum bulla_begin_column_change(PG_FUNCTION_ARGS) {
  const Oid table = PG_GETARG_OID(0);
  CheckOwnsTable(table);
  const char* const column = NameArgument(fcinfo, 1, "column");
  const bool reencrypt = PG_GETARG_BOOL(2);
  const Relation relation = table_open(table, AccessShareLock);
  RefuseLedger(relation, reencrypt);
  RequireKeyName(SealedCell(relation, column));
  table_close(relation, NoLock);
  List* const leaves = LeavesOf(table);
  int64 blocks = 0;
  ListCell* cell;
  foreach (cell, leaves) {
    RefuseHiddenRows(lfirst_oid(cell));
    blocks += BlocksOf(lfirst_oid(cell));
  }
  if (!reencrypt) {
    SPI_connect();
    RefuseHolders(table, column);
    DropColumnStatistics(table, column);
    SPI_finish();
  }
  BeginColumnProgress(table, reencrypt, blocks);
  return OidArray(leaves);
}

BULLA_FUNCTION(bulla_change_cells);
Datum bulla_change_cells(PG_FUNCTION_ARGS) {
  const Oid table = PG_GETARG_OID(0);
  CheckOwnsTable(table);
  const char* const column = NameArgument(fcinfo, 1, "column");
  const Oid leaf = PG_GETARG_OID(2);
  const ItemPointerData after = *reinterpret_cast<ItemPointer>(PG_GETARG_POINTER(4));
  TupleDesc description;
  if (get_call_result_type(fcinfo, nullptr, &description) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "return type must be a row type");
  description = BlessTupleDesc(description);
  // A partition may have been dropped since.
  if (get_rel_name(leaf) == nullptr || !list_member_oid(LeavesOf(table), leaf)) PG_RETURN_NULL();

  const Relation relation = table_open(leaf, AccessShareLock);
  const AttrNumber number = get_attnum(table, column);
  const char* const name = number > 0 ? get_attname(table, number, true) : column;
  Cell* const cell = SealedCell(relation, name);
  SPI_connect();
  const ChangedCells changed = ChangeCells(leaf, cell, StaleArgument(fcinfo, 3), after,
                                           PG_GETARG_INT32(5), PG_GETARG_BOOL(6));
  SPI_finish();
  table_close(relation, NoLock);
  TellColumnProgress(changed.rows, BlocksBefore(table, leaf),
                     ItemPointerGetBlockNumberNoCheck(&changed.last));
  auto* const last = static_cast<ItemPointer>(palloc(sizeof(ItemPointerData)));
  *last = changed.last;
  Datum values[] = {Int64GetDatum(changed.rows), BoolGetDatum(changed.more), PointerGetDatum(last)};
  bool nulls[] = {false, false, false};
  return HeapTupleGetDatum(heap_form_tuple(description, values, nulls));
}

BULLA_FUNCTION(bulla_stale_cells);
Datum bulla_stale_cells(PG_FUNCTION_ARGS) {
  const Oid table = PG_GETARG_OID(0);
  CheckOwnsTable(table);
  const Relation relation = table_open(table, AccessShareLock);
  Cell* const cell = DescribeCell(relation, NameArgument(fcinfo, 1, "column"));
  const char* const query =
      psprintf("SELECT pg_catalog.count(*) FROM %s AS t WHERE %s", QualifiedName(table),
               StaleCondition(cell, StaleArgument(fcinfo, 2)));
  // One snapshot of now sees each row once, wherever it has moved to.
  SPI_connect();
  PushActiveSnapshot(GetLatestSnapshot());
  if (SPI_execute(query, true, 0) != SPI_OK_SELECT) elog(ERROR, "SPI failed on: %s", query);
  PopActiveSnapshot();
  bool null;
  const int64 count =
      DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null));
  SPI_finish();
  table_close(relation, NoLock);
  PG_RETURN_INT64(count);
}

BULLA_FUNCTION(bulla_end_column_change);
Datum bulla_end_column_change(PG_FUNCTION_ARGS) {
  const Oid table = PG_GETARG_OID(0);
  CheckOwnsTable(table);
  const char* const column = NameArgument(fcinfo, 1, "column");
  EndColumnProgress();
  if (PG_GETARG_BOOL(2)) PG_RETURN_VOID();
  SPI_connect();
  DropColumnStatistics(table, column);
  const Unopened unopened = CountUnopened(table, column);
  SPI_finish();
  TellUnopened(table, column, unopened);
  const Relation relation = table_open(table, AccessShareLock);
  const bool audited = FindCaptureTrigger(relation) != nullptr;
  table_close(relation, NoLock);
  ereport(
      NOTICE,
      (errmsg("every value of column \"%s\" of %s is sealed", column, QualifiedName(table)),
       errdetail(
           "Plaintext is left in dead rows and in the free space of the table's files and its "
           "TOAST table's, in WAL and its archive, on standbys until they have replayed and "
           "vacuumed it, in backups and dumps, and in logs that hold statements.%s",
           audited ? " The ledger that changes of this table are recorded in holds what was "
                     "written before, too."
                   : ""),
       errhint(
           "Run VACUUM (FULL, ANALYZE) %s, which locks the table while it rewrites it, or VACUUM "
           "(ANALYZE) %s, after which the free space is overwritten in time. Then CHECKPOINT, take "
           "a new base backup, and remove the older ones and their WAL.",
           QualifiedName(table), QualifiedName(table))));
  PG_RETURN_VOID();
}

}  // namespace bulla
