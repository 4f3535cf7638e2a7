// bench/tree.py's program: the tree's work on one core, without PostgreSQL. Prints how long it took, in seconds.
//
//     tree_bench append N    N leaves into a compact range, hashing every inner node, and the root
//     tree_bench hash N      N hashes of 65 bytes, which is what an inner node costs: the floor of the above
//     tree_bench prove N     1,000 proofs of inclusion out of the tiles of a tree of N leaves, and their check

#include <charconv>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <vector>

#include "core/compact_range.h"
#include "core/proof_check.h"
#include "core/tile.h"
#include "core/tree_proof.h"

namespace bulla {
namespace {

NodeHash LeafOf(uint64_t index) {
  NodeHash leaf;
  PutU64(leaf.bytes.data(), index * 0x9E3779B97F4A7C15);
  return leaf;
}

bool Append(uint64_t count, Sha256* hasher) {
  CompactRange range;
  for (uint64_t i = 0; i < count; ++i)
    if (!range.Append(LeafOf(i), hasher)) return false;
  return range.Root(hasher).ok();
}

bool Hash(uint64_t count, Sha256* hasher) {
  NodeHash node = LeafOf(1);
  for (uint64_t i = 0; i < count; ++i)
    if (!HashChildren(node, node, hasher, &node)) return false;
  return true;
}

// The rows of hashes that the tiles of each level are pieces of.
class Tiles final : public NodeReader {
 public:
  Tiles(uint64_t size, Sha256* hasher) : size_{size}, hasher_(hasher), levels_(kTileLevels) {
    for (uint64_t i = 0; i < size; ++i) {
      const NodeHash leaf = LeafOf(i);
      levels_[0].push_back(leaf);
      ok_ = ok_ && range_.Append(leaf, hasher, [&](NodeId node, const NodeHash& hash) {
        if (node.level % kTileHeight == 0) levels_[node.level / kTileHeight].push_back(hash);
      });
    }
  }

  bool ok() const { return ok_; }
  Result<NodeHash> Root() const { return range_.Root(hasher_); }

  Result<void> Read(std::span<const NodeId> nodes, std::span<NodeHash> hashes) override {
    for (size_t i = 0; i < nodes.size(); ++i) {
      const NodeInTile place = LocateNode(nodes[i], size_);
      const auto tile = std::span<const NodeHash>(levels_[place.tile.level])
                            .subspan(place.tile.index * kTileWidth, place.tile.width);
      const Result<NodeHash> hash = NodeFromTile(place, std::as_bytes(tile), hasher_);
      if (!hash.ok()) return hash.error();
      hashes[i] = hash.value();
    }
    return {};
  }

 private:
  TreeSize size_;
  Sha256* hasher_;
  bool ok_ = true;
  CompactRange range_;
  std::vector<std::vector<NodeHash>> levels_;
};

bool Prove(Tiles* tiles, uint64_t size, Sha256* hasher) {
  const NodeHash root = tiles->Root().value();
  for (uint64_t i = 0; i < 1000; ++i) {
    const uint64_t index = i * 7919 * 7919 % size;
    const Result<Proof> proof = ReadProof(PlanInclusion({index}, {size}).value(), tiles, hasher);
    if (!proof.ok() ||
        !CheckInclusion({index}, {size}, LeafOf(index), proof.value().span(), root, hasher).ok())
      return false;
  }
  return true;
}

int Run(std::string_view what, uint64_t count) {
  Sha256 hasher;
  Tiles tiles(what == "prove" ? count : 0, &hasher);
  const auto start = std::chrono::steady_clock::now();
  const bool done = what == "append" ? Append(count, &hasher)
                    : what == "hash"
                        ? Hash(count, &hasher)
                        : what == "prove" && tiles.ok() && Prove(&tiles, count, &hasher);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (!done) return 1;
  std::printf("%.6f\n", took.count());
  return 0;
}

}  // namespace
}  // namespace bulla

int main(int argc, char** argv) {
  uint64_t count = 0;
  const std::string_view number = argc == 3 ? argv[2] : "";
  std::from_chars(number.data(), number.data() + number.size(), count);
  if (count > 0) return bulla::Run(argv[1], count);
  std::fputs("usage: tree_bench append|hash|prove N\n", stderr);
  return 2;
}
