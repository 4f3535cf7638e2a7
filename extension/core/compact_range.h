// The frontier of a growing tree: the hashes of the complete subtrees that a run of leaves consists of, at most 126
// of them however many the leaves. It is all that appending needs to know of what was there before.
#pragma once

#include "core/result.h"
#include "core/tree.h"

namespace bulla {

// Trivially destructible: PostgreSQL may raise while one is alive.
class CompactRange {
 public:
  // No leaves yet; the first will have this index.
  explicit CompactRange(LeafIndex begin = {}) : leaves_{begin.value, begin.value} {}

  // From the hashes of SubtreesOf(leaves): kInvalidArgument where their number is another.
  static Result<CompactRange> FromHashes(LeafRange leaves, std::span<const NodeHash> hashes);

  // One more leaf. `completed(node, hash)` hears of every inner node that has become complete, children before parents.
  // False only where SHA-256 fails: then the range has no meaning any more.
  template <class Completed>
  [[nodiscard]] bool Append(const NodeHash& leaf, Sha256* hasher, Completed&& completed) {
    return AppendSubtree({0, leaves_.end}, leaf, hasher, completed);
  }
  [[nodiscard]] bool Append(const NodeHash& leaf, Sha256* hasher) {
    return Append(leaf, hasher, [](NodeId, const NodeHash&) {});
  }

  // The leaves that follow these. kInvalidArgument where `next` begins elsewhere than this ends;
  // kInternal where SHA-256 fails. After an error the range has no meaning any more.
  Result<void> Merge(const CompactRange& next, Sha256* hasher);

  // Of the tree, so of a range that begins at 0: kInvalidArgument otherwise.
  Result<NodeHash> Root(Sha256* hasher) const;

  LeafRange leaves() const { return leaves_; }
  TreeSize size() const { return {leaves_.end}; }
  // Those of SubtreesOf(leaves()).
  std::span<const NodeHash> hashes() const { return hashes_.span(); }

 private:
  // Two neighbours of one level whose common parent lies in the range become that parent, upwards while it goes on.
  template <class Completed>
  bool AppendSubtree(NodeId node, NodeHash hash, Sha256* hasher, Completed&& completed) {
    leaves_.end = (node.index + 1) << node.level;
    while (node.index % 2 == 1 && (node.index - 1) << node.level >= leaves_.begin) {
      if (!HashChildren(hashes_.back(), hash, hasher, &hash)) return false;
      hashes_.RemoveLast();
      node = {node.level + 1, node.index / 2};
      completed(node, static_cast<const NodeHash&>(hash));
    }
    hashes_.Add(hash);
    return true;
  }

  LeafRange leaves_;
  FixedList<NodeHash, kMaxSubtrees> hashes_;
};

}  // namespace bulla
