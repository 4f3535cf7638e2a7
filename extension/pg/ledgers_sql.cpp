// SQL functions that make, describe and unmake ledgers.

#include "pg/boundary.h"

extern "C" {
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
}

#include "pg/arguments.h"
#include "pg/chain_existing.h"
#include "pg/change_checks.h"
#include "pg/emergency.h"
#include "pg/event_log.h"
#include "pg/ledger_checks.h"
#include "pg/ledger_columns.h"
#include "pg/ledger_triggers.h"
#include "pg/make_ledger.h"
#include "pg/row_scan.h"
#include "pg/settings.h"
#include "pg/uuid_ids.h"
#include "pg/versions.h"

namespace bulla {
namespace {

// One event for the ledger and one per chain of rows that were there before it, each with the head it
// had then: what was chained retroactively can be told from what came later for ever.
void RecordCreation(Oid table, const MadeLedger& made) {
  EventDetail detail;
  detail.Text("ledger", QualifiedName(table))
      .Text("ledger_id", IdText(made.id))
      .Number("retroactive_rows", made.retroactive_rows);
  const Relation relation = table_open(table, NoLock);
  RecordEvent("ledger.created", NameColumns(detail, relation));
  table_close(relation, NoLock);
  ListCell* cell;
  foreach (cell, made.chains) {
    const auto* const chain = static_cast<const ChainedRows*>(lfirst(cell));
    RecordEvent("ledger.rows_chained", EventDetail()
                                           .Text("ledger_id", IdText(made.id))
                                           .Text("chain", chain->chain)
                                           .Number("last_seq", chain->head.seq)
                                           .Bytes("last_hash", chain->head.hash.bytes.data(),
                                                  chain->head.hash.bytes.size()));
  }
}

bool IsDetached(Oid table) {
  const Relation relation = table_open(table, NoLock);
  const bool detached = IsDetachedPart(relation);
  table_close(relation, NoLock);
  return detached;
}

Datum NameArray(const char* const* names, int count) {
  auto* const values = static_cast<Datum*>(palloc(sizeof(Datum) * (count + 1)));
  for (int i = 0; i < count; ++i)
    values[i] = DirectFunctionCall1(namein, CStringGetDatum(names[i]));
  return PointerGetDatum(
      construct_array(values, count, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR));
}

Oid LockedLedger(Oid table, LOCKMODE mode, LedgerId* id) {
  CheckOwnsTable(table);
  const Relation relation = table_open(table, mode);
  *id = DescribeWholeLedger(relation)->arguments.id;
  table_close(relation, NoLock);
  return table;
}

// False for what is no timestamp: anybody can write trigger arguments.
bool ReadTimestamp(const char* text, TimestampTz* timestamp) {
  char buffer[MAXDATELEN + MAXDATEFIELDS];
  char* fields[MAXDATEFIELDS];
  int types[MAXDATEFIELDS];
  int count;
  int kind;
  pg_tm tm;
  fsec_t fsec;
  int zone;
  return ParseDateTime(text, buffer, sizeof buffer, fields, types, MAXDATEFIELDS, &count) == 0 &&
         DecodeTimestamp(fields, types, count, &kind, &tm, &fsec, &zone) == 0 && kind == DTK_DATE &&
         tm2timestamp(&tm, fsec, &zone, timestamp) == 0;
}

}  // namespace

BULLA_FUNCTION(bulla_create_ledger);
Datum bulla_create_ledger(PG_FUNCTION_ARGS) {
  RequireNotRestricted(Restriction::kReadOnly);
  RefuseNull(fcinfo, 0, "ledger");
  RefuseNull(fcinfo, 1, "chain_by");
  RefuseNull(fcinfo, 2, "blind");
  RefuseNull(fcinfo, 3, "erasable");
  const Oid table = PG_GETARG_OID(0);
  const LedgerOptions options{NameList(PG_GETARG_ARRAYTYPE_P(1), "chain_by"),
                              NameList(PG_GETARG_ARRAYTYPE_P(3), "erasable"), PG_GETARG_BOOL(2)};
  CheckIsNotBullas(table);

  const MemoryContext caller = CurrentMemoryContext;
  SPI_connect();
  const MadeLedger made = MakeLedger(table, options);
  RecordCreation(table, made);
  MemoryContextSwitchTo(caller);
  const Datum id = IdDatum(made.id);
  SPI_finish();
  return id;
}

BULLA_FUNCTION(bulla_drop_ledger);
Datum bulla_drop_ledger(PG_FUNCTION_ARGS) {
  RequireNotRestricted(Restriction::kReadOnly);
  RefuseNull(fcinfo, 0, "ledger");
  CheckIsNotBullas(PG_GETARG_OID(0));
  LedgerId id;
  const Oid table = LockedLedger(PG_GETARG_OID(0), AccessExclusiveLock, &id);
  if (!restore_mode) CheckTakesNoChanges(table);
  EventDetail detail;
  detail.Text("ledger", QualifiedName(table)).Text("ledger_id", IdText(id));
  if (IsDetached(table)) detail.Boolean("detached", true);
  RecordEvent("ledger.dropped", detail);
  SPI_connect();
  UnmakeLedger(table);
  SPI_finish();
  PG_RETURN_VOID();
}

// For the view bulla.ledgers: pg_trigger.tgargs, NUL-terminated strings one after the other, as columns.
BULLA_FUNCTION(bulla_ledger_arguments);
Datum bulla_ledger_arguments(PG_FUNCTION_ARGS) {
  const bytea* const stored = PG_GETARG_BYTEA_PP(0);
  const char* const begin = VARDATA_ANY(stored);
  const size_t size = VARSIZE_ANY_EXHDR(stored);
  TupleDesc columns;
  if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "return type must be a row type");

  auto** const arguments = static_cast<char**>(palloc(sizeof(char*) * (size + 1)));
  int count = 0;
  for (size_t at = 0; at < size; at += strlen(arguments[count - 1]) + 1) {
    arguments[count++] = pnstrdup(begin + at, strnlen(begin + at, size - at));
  }
  LedgerArguments ledger;
  TimestampTz created_at;
  if (!ParseLedgerArguments(count, arguments, &ledger) ||
      !ReadTimestamp(ledger.created_at, &created_at))
    PG_RETURN_NULL();

  Datum values[] = {
      IdDatum(ledger.id),
      NameArray(ledger.chain_by, ledger.chain_by_count),
      NameArray(ledger.erasable, ledger.erasable_count),
      TimestampTzGetDatum(created_at),
      DirectFunctionCall1(namein, CStringGetDatum(ledger.created_by)),
      Int64GetDatum(ledger.retroactive_rows),
  };
  bool nulls[lengthof(values)] = {};
  PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls)));
}

}  // namespace bulla
