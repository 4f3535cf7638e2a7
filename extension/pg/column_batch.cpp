#include "pg/column_batch.h"

extern "C" {
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
}

#include "core/hex.h"
#include "pg/boundary.h"
#include "pg/cell_change.h"
#include "pg/cell_keys.h"
#include "pg/cell_value.h"
#include "pg/key_rows.h"
#include "pg/ledger_relation.h"

namespace bulla {
namespace {

const char* HexLiteral(Bytes bytes) {
  auto* const digits = static_cast<char*>(palloc0(2 * bytes.size() + 1));
  EncodeHex(bytes, digits);
  return psprintf("'\\x%s'::pg_catalog.bytea", digits);
}

// Locked, so that the UPDATE that follows meets just these rows.
Datum LockStaleRows(Oid leaf, const char* condition, ItemPointer after, int32 most, bool wait,
                    ChangedCells* changed) {
  Oid types[] = {TIDOID, INT4OID};
  Datum values[] = {PointerGetDatum(after), Int32GetDatum(most)};
  const char* const query = psprintf(
      "SELECT ctid FROM ONLY %s AS t WHERE ctid OPERATOR(pg_catalog.>) $1 AND %s LIMIT $2 FOR NO "
      "KEY "
      "UPDATE%s",
      QualifiedName(leaf), condition, wait ? "" : " SKIP LOCKED");
  if (SPI_execute_with_args(query, 2, types, values, nullptr, false, 0) != SPI_OK_SELECT)
    elog(ERROR, "SPI failed on: %s", query);
  changed->rows = static_cast<int64>(SPI_processed);
  changed->more = changed->rows == most;
  auto* const rows = static_cast<Datum*>(palloc(sizeof(Datum) * (SPI_processed + 1)));
  for (uint64 i = 0; i < SPI_processed; ++i) {
    bool null;
    rows[i] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &null);
    // One that was changed while its lock was waited for stands elsewhere now. What is passed over between is
    // found when the table is gone through again.
    auto* const row = reinterpret_cast<ItemPointer>(DatumGetPointer(rows[i]));
    if (ItemPointerCompare(row, &changed->last) > 0) changed->last = *row;
  }
  return PointerGetDatum(construct_array(rows, static_cast<int>(changed->rows), TIDOID,
                                         sizeof(ItemPointerData), false, TYPALIGN_SHORT));
}

int64 UpdateRows(Oid leaf, const Cell* cell, Datum rows) {
  Oid types[] = {TIDARRAYOID};
  const char* const column = quote_identifier(cell->column);
  const char* const query =
      psprintf("UPDATE ONLY %s AS t SET %s = t.%s WHERE ctid OPERATOR(pg_catalog.=) ANY ($1)",
               QualifiedName(leaf), column, column);
  if (SPI_execute_with_args(query, 1, types, &rows, nullptr, false, 0) != SPI_OK_UPDATE)
    elog(ERROR, "SPI failed on: %s", query);
  return static_cast<int64>(SPI_processed);
}

}  // namespace

const char* StaleCondition(const Cell* cell, StaleCells stale) {
  const char* const version =
      psprintf("bulla.sealed_version(t.%s)", quote_identifier(cell->column));
  if (stale == StaleCells::kPlaintext)
    return psprintf("t.%s IS NOT NULL AND %s IS NULL", quote_identifier(cell->column), version);
  StringInfoData condition;
  initStringInfo(&condition);
  appendStringInfo(&condition, "%s OPERATOR(pg_catalog.<>) ALL (ARRAY[%s", version,
                   HexLiteral(ReadPrimary(RequireKeyName(cell), Use::kNone).version_id));
  ListCell* destroyed;
  foreach (destroyed, DestroyedVersions())
    appendStringInfo(&condition, ", %s", HexLiteral(*static_cast<const Bytes*>(lfirst(destroyed))));
  appendStringInfoString(&condition, "])");
  return condition.data;
}

ChangedCells ChangeCells(Oid leaf, Cell* cell, StaleCells stale, ItemPointerData after, int32 most,
                         bool wait) {
  ChangedCells changed = {0, false, after};
  CellChange change = {cell->id, stale == StaleCells::kOlderVersions, {}};
  if (change.reencrypt) {
    const Bytes primary = ReadPrimary(RequireKeyName(cell), Use::kNone).version_id;
    memcpy(change.primary.bytes.data(), primary.data(), change.primary.bytes.size());
  }
  const Datum rows = LockStaleRows(leaf, StaleCondition(cell, stale), &after, most, wait, &changed);
  if (changed.rows == 0) return changed;
  changed.rows = Enter([&]() -> Result<int64> {
    const CellChangePermission permission(change);
    return CallPg([&] { return UpdateRows(leaf, cell, rows); });
  });
  return changed;
}

}  // namespace bulla
