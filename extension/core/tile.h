// Tiles of C2SP tlog-tiles: the hashes of a tree in pieces of 256, which never change once they are full.
// docs/spec/tree.md.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "core/tree.h"

namespace bulla {

inline constexpr unsigned kTileHeight = 8;
inline constexpr unsigned kTileWidth = 256;
inline constexpr unsigned kTileLevels = 8;  // of the largest tree

// The hashes of the nodes of level 8 * level with the indexes 256 * index … 256 * index + width - 1. Width is 1 … 256;
// below 256 the tile is partial.
struct Tile {
  unsigned level = 0;
  uint64_t index = 0;
  unsigned width = kTileWidth;
  auto operator<=>(const Tile&) const = default;
};

// A bundle of entries: the records under a tile of level 0.
struct EntryBundle {
  uint64_t index = 0;
  unsigned width = kTileWidth;
  auto operator<=>(const EntryBundle&) const = default;
};

// "tile/1/x001/x234/067.p/8", "tile/entries/000": what follows the prefix of the log and a slash.
std::string TilePath(const Tile& tile);
std::string EntryBundlePath(const EntryBundle& bundle);

// The reverse, for just what these write: kInvalidArgument for every other text. A level is at most 63, an index such
// that the tile can be in a tree of at most kMaxTreeSize leaves.
Result<Tile> ParseTilePath(std::string_view path);
Result<EntryBundle> ParseEntryBundlePath(std::string_view path);

// Whether the tree has the tile: full, or partial with just this width or a smaller one, as it had when
// it was smaller.
bool HasTile(TreeSize size, const Tile& tile);

// The tiles of one level that a tree got while it grew: full ones, then perhaps a partial one.
struct TileRun {
  unsigned level = 0;
  uint64_t first = 0;    // index of the first
  uint64_t full = 0;     // how many are full
  unsigned partial = 0;  // width of the one after them, 0: there is none
  bool operator==(const TileRun&) const = default;
};
using TileRuns = FixedList<TileRun, kTileLevels>;

// What the tree of new_size leaves has and the one of old_size has not, by levels. A partial tile that has grown is
// among them. All its tiles: from an old size of 0.
TileRuns TilesAdded(TreeSize old_size, TreeSize new_size);

// Where a node is found: the tile, of the width that the tree of that size has it with, and the run of its hashes
// that the node is the root over (one hash, or a power of two).
struct NodeInTile {
  Tile tile;
  unsigned first = 0;
  unsigned count = 1;
};

// The node has to be in the tree.
NodeInTile LocateNode(NodeId node, TreeSize size);

// The hash of the node, from the bytes of the tile, which may be wider than the one named. kCorrupt where the bytes
// are no whole number of hashes or too few.
Result<NodeHash> NodeFromTile(const NodeInTile& place, Bytes tile, Sha256* hasher);

}  // namespace bulla
