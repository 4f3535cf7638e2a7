#include "pg/tile_rows.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "utils/fmgroids.h"
}

#include "pg/boundary.h"
#include "pg/key_tables.h"
#include "pg/row_record.h"

namespace bulla {
namespace {

enum TilesColumn { kTreeId = 1, kLevel, kIndex, kHashes, kTilesColumns = kHashes };

SysScanDesc BeginTileScan(Relation table, const pg_uuid_t& tree, unsigned level, uint64 index) {
  ScanKeyData keys[3];
  ScanKeyInit(&keys[0], kTreeId, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(&tree));
  ScanKeyInit(&keys[1], kLevel, BTEqualStrategyNumber, F_INT2EQ,
              Int16GetDatum(static_cast<int16>(level)));
  ScanKeyInit(&keys[2], kIndex, BTEqualStrategyNumber, F_INT8EQ,
              Int64GetDatum(static_cast<int64>(index)));
  return systable_beginscan(table, KeyTable("tiles_pkey"), true, nullptr, 3, keys);
}

}  // namespace

Bytes ReadTile(const pg_uuid_t& tree, unsigned level, uint64 index) {
  const Relation table = table_open(KeyTable("tiles"), AccessShareLock);
  const SysScanDesc scan = BeginTileScan(table, tree, level, index);
  const HeapTuple row = systable_getnext(scan);
  const Bytes hashes = HeapTupleIsValid(row) ? BytesOf(row, table, kHashes) : Bytes{};
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  return hashes;
}

void ReadNodes(const pg_uuid_t& tree, TreeSize size, std::span<const NodeId> nodes,
               NodeHash* hashes) {
  Tile last;
  Bytes bytes;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const NodeInTile place = LocateNode(nodes[i], size);
    // Neighbours in a proof are often in one tile.
    if (bytes.empty() || place.tile.level != last.level || place.tile.index != last.index) {
      last = place.tile;
      bytes = ReadTile(tree, last.level, last.index);
    }
    if (bytes.empty()) {
      ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
                      errmsg("tile " UINT64_FORMAT " of level %u is gone from bulla.tiles",
                             static_cast<uint64>(last.index), last.level)));
    }
    hashes[i] = Enter([&] { return NodeFromTile(place, bytes, BackendHasher()); });
  }
}

bool FindRoot(const pg_uuid_t& tree, TreeSize size, NodeHash* root) {
  const Subtrees subtrees = SubtreesOf({0, size.value});
  NodeHash hashes[kMaxSubtrees];
  for (size_t i = 0; i < subtrees.size(); ++i) {
    const NodeInTile place = LocateNode(subtrees[i], size);
    const Bytes bytes = ReadTile(tree, place.tile.level, place.tile.index);
    if (bytes.size() < (place.first + place.count) * sizeof(NodeHash)) return false;
    hashes[i] = Enter([&] { return NodeFromTile(place, bytes, BackendHasher()); });
  }
  *root = Enter([&]() -> Result<NodeHash> {
    NodeHash hash = EmptyTreeRoot();
    if (size.value > 0 && !HashOfSubtrees({hashes, subtrees.size()}, BackendHasher(), &hash))
      return Error{Code::kInternal, "SHA-256 failed"};
    return hash;
  });
  return true;
}

bool FindLeaf(const pg_uuid_t& tree, uint64 leaf, NodeHash* hash) {
  const Bytes bytes = ReadTile(tree, 0, leaf / kTileWidth);
  const size_t at = leaf % kTileWidth * sizeof(NodeHash);
  if (bytes.size() < at + sizeof(NodeHash)) return false;
  memcpy(hash->bytes.data(), bytes.data() + at, sizeof(NodeHash));
  return true;
}

TileWriter BeginTiles(const pg_uuid_t& tree, TreeSize size) {
  const Relation table = table_open(KeyTable("tiles"), RowExclusiveLock);
  return {tree, size, table, CatalogOpenIndexes(table)};
}

void WriteTile(const TileWriter& writer, unsigned level, uint64 index, Bytes hashes) {
  Datum values[kTilesColumns] = {UUIDPGetDatum(&writer.tree),
                                 Int16GetDatum(static_cast<int16>(level)),
                                 Int64GetDatum(static_cast<int64>(index)), BytesDatum(hashes)};
  bool nulls[kTilesColumns] = {};
  const HeapTuple row = heap_form_tuple(RelationGetDescr(writer.table), values, nulls);
  if (HasTile(writer.size, {level, index, 1})) {
    const SysScanDesc scan = BeginTileScan(writer.table, writer.tree, level, index);
    const HeapTuple narrower = systable_getnext(scan);
    if (!HeapTupleIsValid(narrower)) elog(ERROR, "a partial tile is gone from bulla.tiles");
    CatalogTupleUpdateWithInfo(writer.table, &narrower->t_self, row, writer.indexes);
    systable_endscan(scan);
  } else {
    CatalogTupleInsertWithInfo(writer.table, row, writer.indexes);
  }
  heap_freetuple(row);
  pfree(DatumGetPointer(values[kHashes - 1]));
}

void EndTiles(const TileWriter& writer) {
  CatalogCloseIndexes(writer.indexes);
  table_close(writer.table, NoLock);
  CommandCounterIncrement();
}

}  // namespace bulla
