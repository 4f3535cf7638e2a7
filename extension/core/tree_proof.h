// Making the proofs of RFC 6962, section 2.1: which hashes they consist of, where these come from, and what is
// done with them. Reading is the caller's: he reads what a plan names and hands it to FoldProof, or lends a NodeReader.
#pragma once

#include <vector>

#include "core/result.h"
#include "core/tree.h"

namespace bulla {

// Hashes of a proof: one per level, and one more in a proof of consistency.
inline constexpr size_t kMaxProofSize = 64;
using Proof = FixedList<NodeHash, kMaxProofSize>;

// The hashes of a proof are those of these ranges, from the leaf towards the root. A range that is no complete
// subtree (one at most is, at the right edge of the tree) is put together from several nodes.
struct ProofPlan {
  FixedList<LeafRange, kMaxProofSize> ranges;
  FixedList<NodeId, kMaxProofSize + kMaxSubtrees> nodes;  // the subtrees of the ranges, in turn
};

// That the leaf is in the tree: PATH(index, D[size]). kInvalidArgument where it cannot be.
Result<ProofPlan> PlanInclusion(LeafIndex index, TreeSize size);

// That the new tree begins with the old one: PROOF(old_size, D[new_size]). There is nothing to prove, and the proof
// is empty, where the old tree is empty or the new one has the same size. kInvalidArgument where it is smaller.
Result<ProofPlan> PlanConsistency(TreeSize old_size, TreeSize new_size);

// The root of a tree of one leaf or more, as a proof of one hash.
Result<ProofPlan> PlanRoot(TreeSize size);

// From the hashes of plan.nodes: kInvalidArgument where their number is another, kInternal where SHA-256 fails.
Result<Proof> FoldProof(const ProofPlan& plan, std::span<const NodeHash> hashes, Sha256* hasher);

// Where the hashes of complete subtrees can be read.
class NodeReader {
 public:
  virtual ~NodeReader() = default;
  // As many hashes as nodes, which all lie in the tree that the proof is about.
  virtual Result<void> Read(std::span<const NodeId> nodes, std::span<NodeHash> hashes) = 0;
};

// The plan, read and folded.
Result<Proof> ReadProof(const ProofPlan& plan, NodeReader* reader, Sha256* hasher);

}  // namespace bulla
