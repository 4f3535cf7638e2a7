#include "core/proof_check.h"

#include <string>

#include "core/tree_proof.h"

namespace bulla {
namespace {

Error WrongLength(const char* what, size_t has, size_t needs) {
  return {Code::kAuthenticationFailed, "proof of " + std::string(what) + " has " +
                                           std::to_string(has) + " hashes instead of " +
                                           std::to_string(needs)};
}

}  // namespace

// Upwards from the leaf: each hash of the proof is that of the part's neighbour.
Result<NodeHash> RootFromInclusion(LeafIndex index, TreeSize size, const NodeHash& leaf,
                                   std::span<const NodeHash> proof, Sha256* hasher) {
  const Result<ProofPlan> plan = PlanInclusion(index, size);
  if (!plan.ok()) return plan.error();
  const auto& neighbours = plan.value().ranges;
  if (proof.size() != neighbours.size())
    return WrongLength("inclusion", proof.size(), neighbours.size());
  NodeHash root = leaf;
  for (size_t i = 0; i < proof.size(); ++i) {
    const bool to_the_right = neighbours[i].begin > index.value;
    if (!(to_the_right ? HashChildren(root, proof[i], hasher, &root)
                       : HashChildren(proof[i], root, hasher, &root)))
      return ossl::DrainErrors("SHA-256");
  }
  return root;
}

// Upwards from the part that ends where the old tree does. Its neighbours to the left are in both trees, those to the
// right are in the new one only.
Result<RootPair> RootsFromConsistency(TreeSize old_size, TreeSize new_size,
                                      const NodeHash& old_root, std::span<const NodeHash> proof,
                                      Sha256* hasher) {
  if (old_size.value == 0 || old_size >= new_size)
    return Error{Code::kInvalidArgument, "no tree of " + std::to_string(new_size.value) +
                                             " leaves has grown out of one of " +
                                             std::to_string(old_size.value)};
  const Result<ProofPlan> plan = PlanConsistency(old_size, new_size);
  if (!plan.ok()) return plan.error();
  const auto& ranges = plan.value().ranges;
  if (proof.size() != ranges.size()) return WrongLength("consistency", proof.size(), ranges.size());
  const bool begins_with_old_root = ranges[0].begin == old_size.value;
  const NodeHash& start = begins_with_old_root ? old_root : proof[0];
  RootPair roots{start, start};
  for (size_t i = begins_with_old_root ? 0 : 1; i < proof.size(); ++i) {
    const bool to_the_right = ranges[i].begin >= old_size.value;
    if (!(to_the_right ? HashChildren(roots.new_root, proof[i], hasher, &roots.new_root)
                       : HashChildren(proof[i], roots.new_root, hasher, &roots.new_root) &&
                             HashChildren(proof[i], roots.old_root, hasher, &roots.old_root)))
      return ossl::DrainErrors("SHA-256");
  }
  return roots;
}

Result<void> CheckInclusion(LeafIndex index, TreeSize size, const NodeHash& leaf,
                            std::span<const NodeHash> proof, const NodeHash& root, Sha256* hasher) {
  const Result<NodeHash> computed = RootFromInclusion(index, size, leaf, proof, hasher);
  if (!computed.ok()) return computed.error();
  if (computed.value() != root)
    return Error{Code::kAuthenticationFailed, "proof of inclusion does not lead to the root"};
  return {};
}

Result<void> CheckConsistency(TreeSize old_size, TreeSize new_size, const RootPair& roots,
                              std::span<const NodeHash> proof, Sha256* hasher) {
  if (old_size > new_size || new_size > kMaxTreeSize)
    return PlanConsistency(old_size, new_size).error();
  if (old_size.value == 0 || old_size == new_size) {
    if (!proof.empty()) return WrongLength("consistency", proof.size(), 0);
    if (old_size.value == 0 && roots.old_root != EmptyTreeRoot())
      return Error{Code::kAuthenticationFailed, "root of the empty tree is another"};
    if (old_size == new_size && roots.old_root != roots.new_root)
      return Error{Code::kAuthenticationFailed, "trees of one size have different roots"};
    return {};
  }
  const Result<RootPair> computed =
      RootsFromConsistency(old_size, new_size, roots.old_root, proof, hasher);
  if (!computed.ok()) return computed.error();
  if (computed.value().old_root != roots.old_root)
    return Error{Code::kAuthenticationFailed, "proof of consistency does not lead to the old root"};
  if (computed.value().new_root != roots.new_root)
    return Error{Code::kAuthenticationFailed, "proof of consistency does not lead to the new root"};
  return {};
}

}  // namespace bulla
