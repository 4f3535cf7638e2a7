#include "core/compact_range.h"

namespace bulla {

Result<CompactRange> CompactRange::FromHashes(LeafRange leaves, std::span<const NodeHash> hashes) {
  if (leaves.begin > leaves.end || leaves.end > kMaxTreeSize.value ||
      SubtreesOf(leaves).size() != hashes.size())
    return Error{Code::kInvalidArgument, "so many leaves do not have so many subtrees"};
  CompactRange range(LeafIndex{leaves.begin});
  range.leaves_ = leaves;
  for (const NodeHash& hash : hashes) range.hashes_.Add(hash);
  return range;
}

Result<void> CompactRange::Merge(const CompactRange& next, Sha256* hasher) {
  if (next.leaves_.begin != leaves_.end)
    return Error{Code::kInvalidArgument, "the ranges of leaves are not neighbours"};
  const Subtrees subtrees = SubtreesOf(next.leaves_);
  for (size_t i = 0; i < subtrees.size(); ++i)
    if (!AppendSubtree(subtrees[i], next.hashes_[i], hasher, [](NodeId, const NodeHash&) {}))
      return ossl::DrainErrors("SHA-256");
  return {};
}

Result<NodeHash> CompactRange::Root(Sha256* hasher) const {
  if (leaves_.begin != 0)
    return Error{Code::kInvalidArgument, "leaves that do not begin at 0 have no root"};
  if (hashes_.empty()) return EmptyTreeRoot();
  NodeHash root;
  if (!HashOfSubtrees(hashes_.span(), hasher, &root)) return ossl::DrainErrors("SHA-256");
  return root;
}

}  // namespace bulla
