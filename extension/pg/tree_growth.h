// A tree while leaves are appended: its frontier, and the tiles at its right edge, which are handed on as they fill.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "core/compact_range.h"
#include "pg/tile_rows.h"

namespace bulla {

// Hears of each tile that is full, and at the end of the partial ones.
using PutTile = void (*)(void* state, unsigned level, uint64 index, Bytes hashes);

// Trivially destructible, and large: palloc'd.
struct TreeGrowth {
  CompactRange range;
  PutTile put;
  void* state;
  struct Edge {  // the last tile of a level, where it is not full
    unsigned width;
    bool changed;
    NodeHash hashes[kTileWidth];
  } edges[kTileLevels];
};

// A tree without leaves.
TreeGrowth* NewGrowth(PutTile put, void* state);

// Takes up a tree of this size from its tiles, before leaves are appended. Raises data_corrupted where they are not
// what the tree should have.
void ResumeGrowth(TreeGrowth* growth, const pg_uuid_t& tree, TreeSize size);

void AppendLeaf(TreeGrowth* growth, const NodeHash& leaf);

// Hands on the partial tiles that have changed. Returns the root.
NodeHash FinishGrowth(TreeGrowth* growth);

}  // namespace bulla
