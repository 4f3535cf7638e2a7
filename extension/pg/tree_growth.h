// A tree while leaves are appended: its frontier, and the tiles at its right edge, which are written as they fill.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "core/compact_range.h"
#include "pg/tile_rows.h"

namespace bulla {

// Trivially destructible, and large: palloc'd.
struct TreeGrowth {
  CompactRange range;
  TileWriter writer;
  struct Edge {  // the last tile of a level, where it is not full
    unsigned width;
    bool stored;  // a narrower one
    bool changed;
    NodeHash hashes[kTileWidth];
  } edges[kTileLevels];
};

// From the tiles of a tree of this size; of a new one there are none. Raises data_corrupted where they are not
// what the tree should have.
TreeGrowth* BeginGrowth(const pg_uuid_t& tree, TreeSize size);

void AppendLeaf(TreeGrowth* growth, const NodeHash& leaf);

// Writes the partial tiles. Returns the root.
NodeHash EndGrowth(TreeGrowth* growth);

}  // namespace bulla
