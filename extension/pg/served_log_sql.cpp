// SQL functions that give what a log serves (C2SP tlog-tiles), by its origin.

#include "pg/boundary.h"

extern "C" {
#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
}

#include "core/tile.h"
#include "pg/arguments.h"
#include "pg/cosigned_rows.h"
#include "pg/entry_rows.h"
#include "pg/served_log.h"
#include "pg/tile_rows.h"

namespace bulla {
namespace {

ServedLog LogArgument(FunctionCallInfo fcinfo) {
  return FindServedLog(CStringArgument(fcinfo, 0, "origin"));
}

// An integer, of whichever type, within its limits.
uint64 Within(int64 value, const char* name, int64 least, int64 most) {
  if (value < least || value > most) {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("%s must be from " INT64_FORMAT " to " INT64_FORMAT ", but is " INT64_FORMAT,
                    name, least, most, value)));
  }
  return static_cast<uint64>(value);
}

unsigned WidthArgument(FunctionCallInfo fcinfo, int argument) {
  RefuseNull(fcinfo, argument, "width");
  return static_cast<unsigned>(Within(PG_GETARG_INT32(argument), "width", 1, kTileWidth));
}

uint64 IndexArgument(FunctionCallInfo fcinfo, int argument) {
  RefuseNull(fcinfo, argument, "index");
  return Within(PG_GETARG_INT64(argument), "index", 0, PG_INT64_MAX);
}

void RequireTile(const TreeRow& tree, const Tile& tile) {
  if (HasTile(tree.size, tile)) return;
  ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
                  errmsg("the log has no such tile: its tree has " UINT64_FORMAT " leaves",
                         static_cast<uint64>(tree.size.value))));
}

Datum BytesDatumOf(Bytes bytes) {
  auto* const datum = static_cast<bytea*>(palloc(VARHDRSZ + bytes.size()));
  SET_VARSIZE(datum, VARHDRSZ + bytes.size());
  memcpy(VARDATA(datum), bytes.data(), bytes.size());
  return PointerGetDatum(datum);
}

}  // namespace

BULLA_FUNCTION(bulla_find_log);
Datum bulla_find_log(PG_FUNCTION_ARGS) {
  const ServedLog log = LogArgument(fcinfo);
  TupleDesc columns;
  if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "return type must be a row type");
  bool nulls[4] = {};
  Datum values[] = {ObjectIdGetDatum(log.ledger), CStringGetTextDatum(log.tree.chain),
                    Int32GetDatum(log.tree.epoch),
                    Int64GetDatum(static_cast<int64>(log.tree.size.value))};
  return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls));
}

BULLA_FUNCTION(bulla_log_checkpoint);
Datum bulla_log_checkpoint(PG_FUNCTION_ARGS) {
  const ServedLog log = LogArgument(fcinfo);
  const char* const note = NoteToServe(log.tree);
  ConfirmTree(log.tree);
  PG_RETURN_TEXT_P(cstring_to_text(note));
}

BULLA_FUNCTION(bulla_log_tile);
Datum bulla_log_tile(PG_FUNCTION_ARGS) {
  const ServedLog log = LogArgument(fcinfo);
  RefuseNull(fcinfo, 1, "level");
  const Tile tile{static_cast<unsigned>(Within(PG_GETARG_INT32(1), "level", 0, 63)),
                  IndexArgument(fcinfo, 2), WidthArgument(fcinfo, 3)};
  RequireTile(log.tree, tile);
  const size_t size = tile.width * sizeof(NodeHash);
  const Bytes stored = ReadTile(log.tree.tiles, tile.level, tile.index);
  if (stored.size() < size) {
    ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
                    errmsg("tile " UINT64_FORMAT
                           " of level %u of chain \"%s\" of ledger \"%s\" has %zu bytes, not %zu",
                           static_cast<uint64>(tile.index), tile.level, log.tree.chain,
                           get_rel_name(log.ledger), stored.size(), size)));
  }
  ConfirmTree(log.tree);
  return BytesDatumOf(stored.first(size));
}

BULLA_FUNCTION(bulla_log_entries);
Datum bulla_log_entries(PG_FUNCTION_ARGS) {
  const ServedLog log = LogArgument(fcinfo);
  const Tile tile{0, IndexArgument(fcinfo, 1), WidthArgument(fcinfo, 2)};
  RequireTile(log.tree, tile);
  const bytea* const bundle = ReadEntries(log, tile);
  ConfirmTree(log.tree);
  PG_RETURN_BYTEA_P(bundle);
}

}  // namespace bulla
