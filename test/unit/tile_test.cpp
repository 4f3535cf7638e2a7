#include "core/tile.h"

#include <gtest/gtest.h>

#include <map>

#include "core/proof_check.h"
#include "tree_oracle.h"
#include "vectors.h"

namespace bulla {
namespace {

using oracle::Hashes;
using oracle::Leaves;
using oracle::List;

struct PathOfTile {
  Tile tile;
  const char* path;
};

const std::vector<PathOfTile> kPaths = {
    {{0, 0, 256}, "tile/0/000"},
    {{0, 999, 256}, "tile/0/999"},
    {{0, 1000, 256}, "tile/0/x001/000"},
    {{1, 1234067, 256}, "tile/1/x001/x234/067"},
    {{0, 273, 112}, "tile/0/273.p/112"},
    {{2, 0, 1}, "tile/2/000.p/1"},
    {{3, 1000000, 255}, "tile/3/x001/x000/000.p/255"},
    {{7, 0, 127}, "tile/7/000.p/127"},
    {{0, (uint64_t{1} << 55) - 1, 255}, "tile/0/x036/x028/x797/x018/x963/967.p/255"},
};

TEST(TileTest, PathsAreThoseOfTheSpecification) {
  for (const PathOfTile& known : kPaths) {
    EXPECT_EQ(TilePath(known.tile), known.path);
    const Result<Tile> parsed = ParseTilePath(known.path);
    ASSERT_TRUE(parsed.ok()) << known.path;
    EXPECT_EQ(parsed.value(), known.tile);
  }
  EXPECT_EQ(EntryBundlePath({1234067, 256}), "tile/entries/x001/x234/067");
  EXPECT_EQ(EntryBundlePath({5, 17}), "tile/entries/005.p/17");
  EXPECT_EQ(ParseEntryBundlePath("tile/entries/005.p/17").value(), (EntryBundle{5, 17}));
  EXPECT_EQ(ParseEntryBundlePath("tile/entries/x001/x234/067").value(),
            (EntryBundle{1234067, 256}));
}

TEST(TileTest, OtherSpellingsOfAPathAreRefused) {
  for (const char* path : {"",
                           "tile",
                           "tile/",
                           "tile/0",
                           "tile/0/",
                           "tile/0/0",
                           "tile/0/00",
                           "tile/0/0000",
                           "tile/0/000/",
                           "/tile/0/000",
                           "tile//000",
                           "tile/00/000",
                           "tile/01/000",
                           "tile/64/000",
                           "tile/-1/000",
                           "tile/+1/000",
                           "tile/ 0/000",
                           "tile/0/ 000",
                           "tile/0/x000",
                           "tile/0/x000/000",
                           "tile/0/x001",
                           "tile/0/001/000",
                           "tile/0/x01/000",
                           "tile/0/X001/000",
                           "tile/0/x001/x000",
                           "tile/0/000.p",
                           "tile/0/000.p/",
                           "tile/0/000.p/0",
                           "tile/0/000.p/01",
                           "tile/0/000.p/256",
                           "tile/0/000.p/1000",
                           "tile/0/000.p/1/",
                           "tile/0/000.p/-1",
                           "tile/0/000.p/1.p/1",
                           "tile/0/000.P/1",
                           "tile/0/000.p/1x",
                           "tile/0/.p/1",
                           "tile/0/0x0",
                           "tile/0/..",
                           "tile/0/00a",
                           "tile/0/000?",
                           "tile/8/001",
                           "tile/63/001",
                           "tile/7/001",
                           "tile/entries/000",
                           "tile/0/x036/x028/x797/x018/x963/968",
                           "tile/0/x999/x999/x999/x999/x999/x999/999",
                           "Tile/0/000"}) {
    const Result<Tile> parsed = ParseTilePath(path);
    ASSERT_FALSE(parsed.ok()) << path;
    EXPECT_EQ(parsed.error().code, Code::kInvalidArgument);
  }
  for (const char* path :
       {"", "tile/entries", "tile/entries/", "tile/entries/0", "tile/0/000", "tile/entries/000.p/0",
        "tile/entries/000.p/256", "entries/000", "tile/entries/x000/001", "tile/entries/000/"})
    EXPECT_FALSE(ParseEntryBundlePath(path).ok()) << path;
}

TEST(TileTest, EveryChangedByteOfAPathIsAnotherTileOrRefused) {
  for (const PathOfTile& known : kPaths) {
    const std::string path = known.path;
    for (size_t i = 0; i < path.size(); ++i) {
      EXPECT_FALSE(ParseTilePath(path.substr(0, i)).ok() &&
                   ParseTilePath(path.substr(0, i)).value() == known.tile);
      for (int byte = 0; byte < 256; ++byte) {
        std::string other = path;
        other[i] = static_cast<char>(byte);
        const Result<Tile> parsed = ParseTilePath(other);
        EXPECT_TRUE(!parsed.ok() || TilePath(parsed.value()) == other) << other;
      }
    }
  }
}

// The example of the specification, of 70,000 entries.
TEST(TileTest, TilesOfATreeAreThoseOfTheSpecification) {
  const TileRuns runs = TilesAdded({0}, {70'000});
  ASSERT_EQ(runs.size(), 3u);
  EXPECT_EQ(runs[0], (TileRun{0, 0, 273, 112}));
  EXPECT_EQ(runs[1], (TileRun{1, 0, 1, 17}));
  EXPECT_EQ(runs[2], (TileRun{2, 0, 0, 1}));
  const TileRuns one_full = TilesAdded({0}, {256});
  ASSERT_EQ(one_full.size(), 2u);
  EXPECT_EQ(one_full[0], (TileRun{0, 0, 1, 0}));
  EXPECT_EQ(one_full[1], (TileRun{1, 0, 0, 1}));
  EXPECT_TRUE(TilesAdded({0}, {0}).empty());
  EXPECT_TRUE(TilesAdded({300}, {300}).empty());
  EXPECT_EQ(TilesAdded({0}, kMaxTreeSize).size(), kTileLevels);
}

using Widths = std::map<std::pair<unsigned, uint64_t>, unsigned>;  // by level and index

Widths WidthsOf(const TileRuns& runs) {
  Widths widths;
  for (const TileRun& run : runs) {
    for (uint64_t i = 0; i < run.full; ++i) widths[{run.level, run.first + i}] = kTileWidth;
    if (run.partial > 0) widths[{run.level, run.first + run.full}] = run.partial;
  }
  return widths;
}

TEST(TileTest, WhatIsAddedIsWhatIsNotThereYet) {
  const std::vector<uint64_t> sizes = {0,     1,      2,       255,     256,    257,
                                       511,   512,    600,     767,     768,    65535,
                                       65536, 65'537, 131'071, 131'072, 131'073};
  for (const uint64_t old_size : sizes) {
    for (const uint64_t new_size : sizes) {
      if (old_size > new_size) continue;
      Widths want = WidthsOf(TilesAdded({0}, {new_size}));
      for (const auto& [place, width] : WidthsOf(TilesAdded({0}, {old_size})))
        if (want.at(place) == width) want.erase(place);
      EXPECT_EQ(WidthsOf(TilesAdded({old_size}, {new_size})), want)
          << old_size << " to " << new_size;
    }
  }
}

TEST(TileTest, ATreeHasItsTilesAndThosePartialOnesThatItHadBefore) {
  for (const uint64_t size : {0u, 1u, 255u, 256u, 257u, 70'000u}) {
    const Widths widths = WidthsOf(TilesAdded({0}, {size}));
    for (unsigned level = 0; level < 10; ++level) {
      for (uint64_t index = 0; index < 300; ++index) {
        const auto found = widths.find({level, index});
        const unsigned has = found == widths.end() ? 0 : found->second;
        for (const unsigned width : {1u, 16u, 17u, 18u, 112u, 113u, 255u, 256u})
          EXPECT_EQ(HasTile({size}, {level, index, width}), width <= has);
      }
    }
  }
  EXPECT_FALSE(HasTile({256}, {0, ~uint64_t{0}, 1}));
}

// The tiles of a tree as they would be served, made leaf by leaf from the definition.
std::map<std::pair<unsigned, uint64_t>, std::vector<std::byte>> TilesOf(const Hashes& leaves) {
  std::map<std::pair<unsigned, uint64_t>, std::vector<std::byte>> tiles;
  for (const auto& [place, width] : WidthsOf(TilesAdded({0}, {leaves.size()}))) {
    const size_t leaves_each = size_t{1} << (kTileHeight * place.first);
    for (unsigned i = 0; i < width; ++i) {
      const NodeHash hash = oracle::Root(
          List(leaves).subspan((place.second * kTileWidth + i) * leaves_each, leaves_each));
      tiles[place].insert(tiles[place].end(), hash.bytes.begin(), hash.bytes.end());
    }
  }
  return tiles;
}

class TileReader final : public NodeReader {
 public:
  explicit TileReader(const Hashes& leaves) : size_{leaves.size()}, tiles_(TilesOf(leaves)) {}

  Result<void> Read(std::span<const NodeId> nodes, std::span<NodeHash> hashes) override {
    Sha256 hasher;
    for (size_t i = 0; i < nodes.size(); ++i) {
      const NodeInTile place = LocateNode(nodes[i], size_);
      EXPECT_TRUE(HasTile(size_, place.tile));
      const auto& bytes = tiles_.at({place.tile.level, place.tile.index});
      EXPECT_EQ(bytes.size(), place.tile.width * sizeof(NodeHash));
      const Result<NodeHash> hash = NodeFromTile(place, bytes, &hasher);
      if (!hash.ok()) return hash.error();
      hashes[i] = hash.value();
    }
    return {};
  }

 private:
  TreeSize size_;
  std::map<std::pair<unsigned, uint64_t>, std::vector<std::byte>> tiles_;
};

TEST(TileTest, NodesReadFromTilesAreThoseOfTheTree) {
  for (const size_t size : {1u, 2u, 255u, 256u, 257u, 700u}) {
    const Hashes leaves = Leaves(size);
    TileReader from_tiles(leaves);
    oracle::LeafReader from_leaves(leaves);
    for (unsigned level = 0; size >> level > 0; ++level) {
      for (uint64_t index = 0; index < size >> level; ++index) {
        const NodeId node{level, index};
        NodeHash one, other;
        ASSERT_TRUE(from_tiles.Read({&node, 1}, {&one, 1}).ok());
        ASSERT_TRUE(from_leaves.Read({&node, 1}, {&other, 1}).ok());
        ASSERT_EQ(one, other) << level << " " << index << " of " << size;
      }
    }
  }
}

TEST(TileTest, ProofsReadFromTilesVerifyAboveOneLevelOfThem) {
  const Hashes leaves = Leaves(66'000);
  TileReader reader(leaves);
  Sha256 hasher;
  const NodeHash root = oracle::Root(leaves);
  for (const uint64_t index : {0u, 255u, 256u, 65'535u, 65'536u, 65'999u}) {
    const Result<Proof> proof =
        ReadProof(PlanInclusion({index}, {leaves.size()}).value(), &reader, &hasher);
    ASSERT_TRUE(proof.ok());
    EXPECT_TRUE(
        CheckInclusion({index}, {leaves.size()}, leaves[index], proof.value().span(), root, &hasher)
            .ok());
  }
}

TEST(TileTest, ATileThatIsTooShortIsCorruptAndAWiderOneServes) {
  const Hashes leaves = Leaves(256);
  const auto bytes = TilesOf(leaves).at({0, 0});
  Sha256 hasher;
  const NodeInTile place = LocateNode({2, 3}, {17});
  EXPECT_EQ(place.tile, (Tile{0, 0, 17}));
  EXPECT_EQ(NodeFromTile(place, bytes, &hasher).value(), oracle::Root(List(leaves).subspan(12, 4)));
  EXPECT_EQ(NodeFromTile(place, Bytes(bytes).first(16 * 32), &hasher).value(),
            oracle::Root(List(leaves).subspan(12, 4)));
  for (const size_t size : {0u, 1u, 15u * 32, 16u * 32 - 1, 16u * 32 + 1}) {
    const Result<NodeHash> hash = NodeFromTile(place, Bytes(bytes).first(size), &hasher);
    ASSERT_FALSE(hash.ok()) << size;
    EXPECT_EQ(hash.error().code, Code::kCorrupt);
  }
  std::vector<std::byte> longer(bytes);
  longer.resize(257 * 32);
  EXPECT_FALSE(NodeFromTile(place, longer, &hasher).ok());
}

}  // namespace
}  // namespace bulla
