// Checking the proofs of RFC 6962, section 2.1, in two halves: the roots that a proof leads to, and whether they are
// the roots that were expected.
#pragma once

#include "core/result.h"
#include "core/tree.h"

namespace bulla {

// The root of the tree of `size` leaves that has this leaf at `index`, if the proof is one. kInvalidArgument where
// there is no such leaf in such a tree; kAuthenticationFailed where the proof has another number of hashes
// than every such proof.
Result<NodeHash> RootFromInclusion(LeafIndex index, TreeSize size, const NodeHash& leaf,
                                   std::span<const NodeHash> proof, Sha256* hasher);

struct RootPair {
  NodeHash old_root;
  NodeHash new_root;
};

// The roots of the two trees, if the proof is one. `old_root` is what the verifier knows: it is where the proof begins
// if the old tree is a complete subtree of the new one, and is not looked at otherwise. Sizes: 0 < old < new, else
// kInvalidArgument. kAuthenticationFailed as above.
Result<RootPair> RootsFromConsistency(TreeSize old_size, TreeSize new_size,
                                      const NodeHash& old_root, std::span<const NodeHash> proof,
                                      Sha256* hasher);

// kAuthenticationFailed unless the proof leads to just this root.
Result<void> CheckInclusion(LeafIndex index, TreeSize size, const NodeHash& leaf,
                            std::span<const NodeHash> proof, const NodeHash& root, Sha256* hasher);

// kAuthenticationFailed unless the proof leads to just these roots. Of trees of the same size the roots have to be the
// same, of an empty old tree the root has to be that of the empty tree, and in both cases the proof has to be empty.
Result<void> CheckConsistency(TreeSize old_size, TreeSize new_size, const RootPair& roots,
                              std::span<const NodeHash> proof, Sha256* hasher);

}  // namespace bulla
