// Tiles of trees, as the table bulla.tiles holds them, and the hashes in them.
#pragma once

extern "C" {
#include "postgres.h"
#include "catalog/indexing.h"
#include "utils/rel.h"
#include "utils/uuid.h"
}

#include "core/tile.h"

namespace bulla {

// The tile as it is stored, palloc'd; no bytes where it is not.
Bytes ReadTile(const pg_uuid_t& tree, unsigned level, uint64 index);

// The hashes of nodes of a tree of this size, read from its tiles. Raises data_corrupted where a tile is gone or too
// short.
void ReadNodes(const pg_uuid_t& tree, TreeSize size, std::span<const NodeId> nodes,
               NodeHash* hashes);

// The root of the tree of its first leaves, this many. False where a tile is gone or too short.
bool FindRoot(const pg_uuid_t& tree, TreeSize size, NodeHash* root);

// One of its leaves. False likewise.
bool FindLeaf(const pg_uuid_t& tree, uint64 leaf, NodeHash* hash);

// Writes tiles of one tree.
struct TileWriter {
  pg_uuid_t tree;
  TreeSize size;  // of the tree as its tiles are stored
  Relation table;
  CatalogIndexState indexes;
};
TileWriter BeginTiles(const pg_uuid_t& tree, TreeSize size);
// In the place of a narrower one, where that is stored.
void WriteTile(const TileWriter& writer, unsigned level, uint64 index, Bytes hashes);
void EndTiles(const TileWriter& writer);

}  // namespace bulla
