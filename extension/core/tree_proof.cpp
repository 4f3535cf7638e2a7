#include "core/tree_proof.h"

#include <algorithm>
#include <string>

namespace bulla {
namespace {

Error OutOfRange(const char* what, uint64_t value, const char* limit_name, uint64_t limit) {
  return {Code::kInvalidArgument, std::string(what) + " " + std::to_string(value) + " is not " +
                                      limit_name + " " + std::to_string(limit)};
}

// RFC 6962 defines proofs from the root downwards and writes them from the leaf upwards.
ProofPlan LeafFirst(ProofPlan plan) {
  std::reverse(plan.ranges.begin(), plan.ranges.end());
  for (const LeafRange& range : plan.ranges)
    for (const NodeId& node : SubtreesOf(range)) plan.nodes.Add(node);
  return plan;
}

}  // namespace

Result<ProofPlan> PlanInclusion(LeafIndex index, TreeSize size) {
  if (size > kMaxTreeSize)
    return OutOfRange("tree size", size.value, "at most", kMaxTreeSize.value);
  if (index.value >= size.value)
    return OutOfRange("leaf index", index.value, "less than the tree size", size.value);
  ProofPlan plan;
  LeafRange part{0, size.value};
  while (part.end - part.begin > 1) {
    const uint64_t middle = part.begin + LeavesToTheLeft(part.end - part.begin);
    if (index.value < middle) {
      plan.ranges.Add({middle, part.end});
      part.end = middle;
    } else {
      plan.ranges.Add({part.begin, middle});
      part.begin = middle;
    }
  }
  return LeafFirst(plan);
}

// SUBPROOF of RFC 6962: down to the part that ends where the old tree does. The verifier has that part's hash if it
// is the whole old tree, that is, if it never went to the right.
Result<ProofPlan> PlanConsistency(TreeSize old_size, TreeSize new_size) {
  if (new_size > kMaxTreeSize)
    return OutOfRange("tree size", new_size.value, "at most", kMaxTreeSize.value);
  if (old_size > new_size)
    return OutOfRange("old tree size", old_size.value, "at most the new one,", new_size.value);
  ProofPlan plan;
  if (old_size.value == 0) return plan;
  LeafRange part{0, new_size.value};
  while (old_size.value < part.end) {
    const uint64_t middle = part.begin + LeavesToTheLeft(part.end - part.begin);
    if (old_size.value <= middle) {
      plan.ranges.Add({middle, part.end});
      part.end = middle;
    } else {
      plan.ranges.Add({part.begin, middle});
      part.begin = middle;
    }
  }
  if (part.begin > 0) plan.ranges.Add(part);
  return LeafFirst(plan);
}

Result<ProofPlan> PlanRoot(TreeSize size) {
  if (size.value == 0 || size > kMaxTreeSize)
    return OutOfRange("tree size", size.value, "from 1 to", kMaxTreeSize.value);
  ProofPlan plan;
  plan.ranges.Add({0, size.value});
  return LeafFirst(plan);
}

Result<Proof> FoldProof(const ProofPlan& plan, std::span<const NodeHash> hashes, Sha256* hasher) {
  if (hashes.size() != plan.nodes.size())
    return Error{Code::kInvalidArgument, "the proof needs another number of nodes"};
  Proof proof;
  for (const LeafRange& range : plan.ranges) {
    const size_t count = SubtreesOf(range).size();
    NodeHash hash;
    if (!HashOfSubtrees(hashes.first(count), hasher, &hash)) return ossl::DrainErrors("SHA-256");
    proof.Add(hash);
    hashes = hashes.subspan(count);
  }
  return proof;
}

Result<Proof> ReadProof(const ProofPlan& plan, NodeReader* reader, Sha256* hasher) {
  std::vector<NodeHash> hashes(plan.nodes.size());
  const Result<void> read = reader->Read(plan.nodes.span(), hashes);
  if (!read.ok()) return read.error();
  return FoldProof(plan, hashes, hasher);
}

}  // namespace bulla
