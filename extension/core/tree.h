// RFC 6962's Merkle tree over the hashes of a chain: its words, and the hashes of parts of it. A record's
// LeafHash (core/record.h) is the leaf at index seq. docs/spec/tree.md.
#pragma once

#include <compare>
#include <cstdint>
#include <span>

#include "core/fixed_list.h"
#include "core/sha256.h"

namespace bulla {

// The number of leaves. At most kMaxTreeSize, which is what fits a bigint.
struct TreeSize {
  uint64_t value = 0;
  auto operator<=>(const TreeSize&) const = default;
};
inline constexpr TreeSize kMaxTreeSize{(uint64_t{1} << 63) - 1};

struct LeafIndex {
  uint64_t value = 0;
  auto operator<=>(const LeafIndex&) const = default;
};

// The hash of a leaf or of an inner node.
using NodeHash = Sha256Digest;

// A complete subtree: the 2^level leaves from index * 2^level on. Level 0 is the leaves.
struct NodeId {
  unsigned level = 0;
  uint64_t index = 0;
  auto operator<=>(const NodeId&) const = default;
};

// The leaves from begin up to, but without, end. Never more than kMaxTreeSize.
struct LeafRange {
  uint64_t begin = 0;
  uint64_t end = 0;
  bool operator==(const LeafRange&) const = default;
};

// SHA-256(0x01 | left | right). False only where SHA-256 fails. `parent` may be one of the children.
[[nodiscard]] bool HashChildren(const NodeHash& left, const NodeHash& right, Sha256* hasher,
                                NodeHash* parent);

// The root of the tree without leaves: SHA-256 of nothing.
NodeHash EmptyTreeRoot();

// Where RFC 6962 divides so many leaves (2 at least) in two: the largest power of two below the number.
uint64_t LeavesToTheLeft(uint64_t leaves);

// The fewest complete subtrees that make up the range, from the left. A range that begins at 0 has as many
// as its size has ones in binary, and no range has more than this:
inline constexpr size_t kMaxSubtrees = 126;
using Subtrees = FixedList<NodeId, kMaxSubtrees>;
Subtrees SubtreesOf(LeafRange range);

// The Merkle tree hash of a range of one leaf or more, from the hashes of SubtreesOf(range). RFC 6962 hashes a
// range only where its inner nodes are nodes of the tree: one that begins at 0, or the right part of a
// division. False only where SHA-256 fails.
[[nodiscard]] bool HashOfSubtrees(std::span<const NodeHash> hashes, Sha256* hasher, NodeHash* hash);

}  // namespace bulla
