#include "core/tile.h"

#include <algorithm>
#include <cstring>

namespace bulla {

bool HasTile(TreeSize size, const Tile& tile) {
  if (tile.level >= kTileLevels) return false;
  const uint64_t hashes = size.value >> (kTileHeight * tile.level);
  return tile.index <= hashes / kTileWidth && hashes - tile.index * kTileWidth >= tile.width;
}

TileRuns TilesAdded(TreeSize old_size, TreeSize new_size) {
  TileRuns runs;
  for (unsigned level = 0; level < kTileLevels; ++level) {
    const uint64_t before = old_size.value >> (kTileHeight * level);
    const uint64_t after = new_size.value >> (kTileHeight * level);
    if (before >= after) break;
    const uint64_t first = before / kTileWidth;
    runs.Add({level, first, after / kTileWidth - first, static_cast<unsigned>(after % kTileWidth)});
  }
  return runs;
}

// A node whose level is a multiple of 8 is a hash of a tile. Others lie between two levels of tiles, over a run of hashes
// of the lower one.
NodeInTile LocateNode(NodeId node, TreeSize size) {
  NodeInTile place;
  place.tile.level = node.level / kTileHeight;
  const unsigned above = node.level % kTileHeight;
  const uint64_t hash = node.index << above;
  place.tile.index = hash / kTileWidth;
  place.first = static_cast<unsigned>(hash % kTileWidth);
  place.count = 1u << above;
  const uint64_t hashes = size.value >> (kTileHeight * place.tile.level);
  place.tile.width =
      static_cast<unsigned>(std::min<uint64_t>(kTileWidth, hashes - place.tile.index * kTileWidth));
  return place;
}

Result<NodeHash> NodeFromTile(const NodeInTile& place, Bytes tile, Sha256* hasher) {
  const size_t hashes = tile.size() / sizeof(NodeHash);
  if (tile.size() % sizeof(NodeHash) != 0 || hashes > kTileWidth ||
      hashes < place.first + place.count)
    return Error{Code::kCorrupt, "tile has " + std::to_string(tile.size()) +
                                     " bytes, which is not a hash of 32 bytes for each node"};
  std::array<NodeHash, kTileWidth / 2> row;
  std::memcpy(row.data(), tile.data() + place.first * sizeof(NodeHash),
              place.count * sizeof(NodeHash));
  for (unsigned width = place.count; width > 1; width /= 2)
    for (unsigned i = 0; i < width; i += 2)
      if (!HashChildren(row[i], row[i + 1], hasher, &row[i / 2]))
        return ossl::DrainErrors("SHA-256");
  return row[0];
}

}  // namespace bulla
