#include "pg/stored_proof.h"

#include "pg/boundary.h"
#include "pg/row_record.h"
#include "pg/tile_rows.h"

namespace bulla {

Proof StoredProof(const TreeRow& tree, const ProofPlan& plan) {
  NodeHash hashes[kMaxProofSize + kMaxSubtrees];
  ReadNodes(tree.tiles, tree.size, plan.nodes.span(), hashes);
  return Enter([&] { return FoldProof(plan, {hashes, plan.nodes.size()}, BackendHasher()); });
}

NodeHash StoredRoot(const TreeRow& tree, TreeSize size) {
  if (size.value == 0) return EmptyTreeRoot();
  return StoredProof(tree, Enter([&] { return PlanRoot(size); }))[0];
}

}  // namespace bulla
