#include "core/tree.h"

#include <algorithm>
#include <bit>

namespace bulla {

bool HashChildren(const NodeHash& left, const NodeHash& right, Sha256* hasher, NodeHash* parent) {
  std::array<std::byte, 1 + 2 * sizeof(NodeHash)> input;
  input[0] = std::byte{1};
  std::copy(left.bytes.begin(), left.bytes.end(), input.begin() + 1);
  std::copy(right.bytes.begin(), right.bytes.end(), input.begin() + 1 + sizeof(NodeHash));
  hasher->Start();
  hasher->Update(input);
  return hasher->Finish(parent);
}

NodeHash EmptyTreeRoot() {
  static constexpr unsigned char kSha256OfNothing[] = {
      0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
      0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
      0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
  NodeHash root;
  std::transform(std::begin(kSha256OfNothing), std::end(kSha256OfNothing), root.bytes.begin(),
                 [](unsigned char byte) { return std::byte{byte}; });
  return root;
}

uint64_t LeavesToTheLeft(uint64_t leaves) { return std::bit_floor(leaves - 1); }

// From the left: the largest subtree that begins here and does not pass the end.
Subtrees SubtreesOf(LeafRange range) {
  Subtrees subtrees;
  while (range.begin < range.end) {
    const auto aligned = static_cast<unsigned>(std::countr_zero(range.begin));
    const auto fits = static_cast<unsigned>(std::bit_width(range.end - range.begin) - 1);
    const unsigned level = std::min(aligned, fits);
    subtrees.Add({level, range.begin >> level});
    range.begin += uint64_t{1} << level;
  }
  return subtrees;
}

// In such a range the subtrees get smaller from left to right, and each is the left child of a node whose
// right child is all that follows.
bool HashOfSubtrees(std::span<const NodeHash> hashes, Sha256* hasher, NodeHash* hash) {
  *hash = hashes.back();
  for (size_t i = hashes.size() - 1; i > 0; --i)
    if (!HashChildren(hashes[i - 1], *hash, hasher, hash)) return false;
  return true;
}

}  // namespace bulla
