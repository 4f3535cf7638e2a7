#include "pg/entry_rows.h"

extern "C" {
#include "lib/stringinfo.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
}

#include "core/entry_bundle.h"
#include "core/record.h"
#include "pg/boundary.h"
#include "pg/chain_boundaries.h"
#include "pg/log_chain.h"
#include "pg/ordered_rows.h"
#include "pg/row_record.h"
#include "pg/tile_rows.h"

namespace bulla {
namespace {

struct Bundling {
  const ServedLog* log;
  int64 first;
  int64 next;    // the seq that comes next
  Bytes hashes;  // of the tile
  StringInfoData bundle;
  MemoryContext row_memory;
};

// Rows that are not what was sealed, or not there at all.
[[noreturn]] void RaiseMissing(const ServedLog& log, int64 seq) {
  TreeRow last{};
  const bool older_epoch =
      FindTree(log.tree.ledger, log.tree.chain_id, &last) && last.epoch > log.tree.epoch;
  if (older_epoch) {
    ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
                    errmsg("entry " INT64_FORMAT " was lost before a restore", seq)));
  }
  const ChainBoundary* const boundary =
      FindBoundary(ReadChainBoundaries(log.tree.ledger), log.tree.chain);
  if (boundary != nullptr && seq < boundary->seq) {
    ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
                    errmsg("entries before " INT64_FORMAT " were pruned", boundary->seq)));
  }
  ereport(ERROR,
          (errcode(ERRCODE_DATA_CORRUPTED),
           errmsg("row " INT64_FORMAT " of chain \"%s\" of ledger \"%s\" is not the one that was "
                  "sealed",
                  seq, log.tree.chain, get_rel_name(log.ledger)),
           errhint("bulla.verify tells more.")));
}

bool WriteRecord(const LedgerRelation* leaf, const TupleTableSlot* row, RecordWriter* record) {
  RowChain chain;
  LeafHash prev_hash;
  if (row->tts_isnull[leaf->prev_hash] || !ReadHash(row->tts_values[leaf->prev_hash], &prev_hash) ||
      !ChainOfRow(leaf, row->tts_values, row->tts_isnull, &chain))
    return false;
  WriteColumns(leaf, chain, row->tts_values, row->tts_isnull, record);
  record->Finish(static_cast<uint64_t>(DatumGetInt64(row->tts_values[leaf->seq])), prev_hash);
  return record->ok();
}

void PutRow(LedgerRelation* leaf, TupleTableSlot* row, void* state) {
  auto* const bundling = static_cast<Bundling*>(state);
  const MemoryContext caller = MemoryContextSwitchTo(bundling->row_memory);
  const int64 seq = DatumGetInt64(row->tts_values[leaf->seq]);
  const auto place = static_cast<size_t>(bundling->next - bundling->first) * sizeof(NodeHash);
  RecordWriter* const record = BackendRecord();
  if (seq != bundling->next || !WriteRecord(leaf, row, record) ||
      !SameBytes(HashOf(*record).bytes, bundling->hashes.subspan(place, sizeof(NodeHash))))
    RaiseMissing(*bundling->log, bundling->next);
  const Bytes bytes = record->record();
  const auto size = static_cast<int>(bytes.size() + kEntryFrameSize);
  enlargeStringInfo(&bundling->bundle, size);
  ByteWriter writer({reinterpret_cast<std::byte*>(bundling->bundle.data + bundling->bundle.len),
                     static_cast<size_t>(size)});
  PutEntry(bytes, &writer);
  bundling->bundle.len += size;
  ++bundling->next;
  MemoryContextSwitchTo(caller);
  MemoryContextReset(bundling->row_memory);
}

}  // namespace

bytea* ReadEntries(const ServedLog& log, const Tile& tile) {
  const LogChain chain = NameLogChain(log.ledger, log.tree.chain);
  const auto first = static_cast<int64>(tile.index * kTileWidth);
  const int64 end = first + static_cast<int64>(tile.width);
  Bundling bundling{&log, first, first, ReadTile(log.tree.tiles, 0, tile.index), {}, nullptr};
  if (bundling.hashes.size() < tile.width * sizeof(NodeHash)) RaiseMissing(log, first);
  bundling.row_memory =
      AllocSetContextCreate(CurrentMemoryContext, "bulla entry", ALLOCSET_DEFAULT_SIZES);
  initStringInfo(&bundling.bundle);
  appendStringInfoSpaces(&bundling.bundle, VARHDRSZ);
  // Of now: no snapshot of an earlier moment than the tree.
  PushActiveSnapshot(GetLatestSnapshot());
  ReadRowsInOrder(log.ledger, {true, chain.values, first, end - 1}, GetActiveSnapshot(), PutRow,
                  &bundling);
  PopActiveSnapshot();
  if (bundling.next != end) RaiseMissing(log, bundling.next);
  auto* const bundle = reinterpret_cast<bytea*>(bundling.bundle.data);
  SET_VARSIZE(bundle, bundling.bundle.len);
  return bundle;
}

}  // namespace bulla
