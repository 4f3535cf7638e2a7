// Proofs out of the stored tiles of a tree.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "core/tree_proof.h"
#include "pg/log_rows.h"

namespace bulla {

// What a plan makes of the hashes that are stored, of a tree that has all its nodes. Nothing is confirmed as durable. Raises
// data_corrupted where a tile is gone or too short.
Proof StoredProof(const TreeRow& tree, const ProofPlan& plan);

// The root that the tree had at this size, which it has reached.
NodeHash StoredRoot(const TreeRow& tree, TreeSize size);

}  // namespace bulla
