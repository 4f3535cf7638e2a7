#include "pg/sealed_leaves.h"

#include <string>
#include <unordered_map>
#include <vector>

extern "C" {
#include "access/table.h"
}

#include "pg/boundary.h"
#include "pg/context_owned.h"
#include "pg/ledger_checks.h"
#include "pg/ledger_relation.h"
#include "pg/tile_rows.h"

namespace bulla {
namespace {

// Chains whose rows stand mixed in the table take a tile each, of 8 kB.
constexpr size_t kMaxTiles = 1'024;

struct SealedChainTree {
  TreeRow row;
  uint64 tile = 0;  // of `hashes`
  std::vector<NodeHash> hashes;
};

}  // namespace

struct SealedLeaves {
  std::unordered_map<std::string, SealedChainTree> by_chain;  // the last epoch's
  const std::string* recent_chain = nullptr;                  // the next row's is often the same
  SealedChainTree* recent = nullptr;
  size_t tiles = 0;
};

namespace {

void KeepTree(const TreeRow& tree, void* state) {
  auto* const sealed = static_cast<SealedLeaves*>(state);
  Enter([&]() -> Result<void> {
    SealedChainTree& kept = sealed->by_chain[tree.chain];
    if (kept.row.origin == nullptr || kept.row.epoch < tree.epoch) kept.row = tree;
    return {};
  });
}

SealedChainTree* TreeOf(SealedLeaves* sealed, const std::string& chain) {
  if (sealed->recent_chain != nullptr && *sealed->recent_chain == chain) return sealed->recent;
  const auto found = sealed->by_chain.find(chain);
  if (found == sealed->by_chain.end()) return nullptr;
  sealed->recent_chain = &found->first;
  sealed->recent = &found->second;
  return sealed->recent;
}

void LoadTile(SealedLeaves* sealed, SealedChainTree* tree, uint64 index) {
  const Bytes bytes = ReadTile(tree->row.tiles, 0, index);
  Enter([&]() -> Result<void> {
    if (tree->hashes.empty() && ++sealed->tiles > kMaxTiles) {
      for (auto& [chain, other] : sealed->by_chain) std::vector<NodeHash>().swap(other.hashes);
      sealed->tiles = 1;
    }
    tree->tile = index;
    tree->hashes.resize(bytes.size() / sizeof(NodeHash));
    // A tile that is gone has no bytes: VerifyTrees tells of it.
    if (!bytes.empty())
      memcpy(tree->hashes.data(), bytes.data(), tree->hashes.size() * sizeof(NodeHash));
    return {};
  });
}

}  // namespace

SealedLeaves* ReadSealedLeaves(const LedgerId& ledger) {
  auto* const sealed = NewInContext<SealedLeaves>();
  ReadTrees(ledger, KeepTree, sealed);
  return sealed;
}

SealedLeaves* SealedLeavesOf(Oid ledger) {
  const Relation relation = table_open(ledger, AccessShareLock);
  const bool part = IsDetachedPart(relation);
  table_close(relation, AccessShareLock);
  return part ? nullptr : ReadSealedLeaves(IdOfLedger(ledger));
}

const NodeHash* SealedHash(SealedLeaves* sealed, const std::string& chain, int64 seq) {
  SealedChainTree* const tree = TreeOf(sealed, chain);
  if (tree == nullptr || static_cast<uint64>(seq) >= tree->row.size.value) return nullptr;
  const uint64 index = static_cast<uint64>(seq) / kTileWidth;
  if (tree->hashes.empty() || tree->tile != index) LoadTile(sealed, tree, index);
  const size_t place = static_cast<uint64>(seq) % kTileWidth;
  return place < tree->hashes.size() ? &tree->hashes[place] : nullptr;
}

bool IsSealed(const SealedLeaves* sealed, const std::string& chain) {
  return sealed->by_chain.contains(chain);
}

void EachSealedTree(const SealedLeaves* sealed, void (*found)(const TreeRow& tree, void* state),
                    void* state) {
  for (const auto& [chain, tree] : sealed->by_chain) found(tree.row, state);
}

}  // namespace bulla
