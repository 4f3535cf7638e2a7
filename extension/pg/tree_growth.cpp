#include "pg/tree_growth.h"

#include "pg/boundary.h"
#include "pg/row_record.h"

namespace bulla {
namespace {

using Edge = TreeGrowth::Edge;

uint64 TileAt(TreeSize size, unsigned level) { return size.value >> (kTileHeight * (level + 1)); }

Bytes BytesOfEdge(const Edge& edge) {
  return std::as_bytes(std::span<const NodeHash>(edge.hashes, edge.width));
}

void LoadEdge(TreeGrowth* growth, const pg_uuid_t& tree, TreeSize size, unsigned level) {
  Edge& edge = growth->edges[level];
  edge.width = (size.value >> (kTileHeight * level)) % kTileWidth;
  if (edge.width == 0) return;
  const Bytes stored = ReadTile(tree, level, TileAt(size, level));
  if (stored.size() != edge.width * sizeof(NodeHash)) {
    ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
                    errmsg("the last tile of level %u has %zu bytes in bulla.tiles, not %zu", level,
                           stored.size(), edge.width * sizeof(NodeHash))));
  }
  memcpy(edge.hashes, stored.data(), stored.size());
}

// The node is the next of its level of tiles.
void PutNode(TreeGrowth* growth, unsigned level, uint64 index, const NodeHash& hash) {
  Edge& edge = growth->edges[level];
  edge.hashes[edge.width++] = hash;
  edge.changed = true;
  if (edge.width < kTileWidth) return;
  growth->put(growth->state, level, index / kTileWidth, BytesOfEdge(edge));
  edge.width = 0;
  edge.changed = false;
}

}  // namespace

TreeGrowth* NewGrowth(PutTile put, void* state) {
  auto* const growth = static_cast<TreeGrowth*>(palloc0(sizeof(TreeGrowth)));
  growth->range = CompactRange();
  growth->put = put;
  growth->state = state;
  return growth;
}

void ResumeGrowth(TreeGrowth* growth, const pg_uuid_t& tree, TreeSize size) {
  for (unsigned level = 0; level < kTileLevels; ++level) LoadEdge(growth, tree, size, level);
  const Subtrees subtrees = SubtreesOf({0, size.value});
  NodeHash hashes[kMaxSubtrees];
  ReadNodes(tree, size, subtrees.span(), hashes);
  growth->range = Enter([&] {
    return CompactRange::FromHashes({0, size.value}, {hashes, subtrees.size()});
  });
}

void AppendLeaf(TreeGrowth* growth, const NodeHash& leaf) {
  PutNode(growth, 0, growth->range.size().value, leaf);
  const auto completed = [growth](NodeId node, const NodeHash& hash) {
    if (node.level % kTileHeight == 0) PutNode(growth, node.level / kTileHeight, node.index, hash);
  };
  if (!growth->range.Append(leaf, BackendHasher(), completed))
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("SHA-256 failed")));
}

NodeHash FinishGrowth(TreeGrowth* growth) {
  for (unsigned level = 0; level < kTileLevels; ++level) {
    const Edge& edge = growth->edges[level];
    if (edge.changed)
      growth->put(growth->state, level, TileAt(growth->range.size(), level), BytesOfEdge(edge));
  }
  return Enter([&] { return growth->range.Root(BackendHasher()); });
}

}  // namespace bulla
