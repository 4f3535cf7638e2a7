// Judges what was sealed of a ledger: whether all its rows are still there, and whether its tiles are those of the tree
// that was signed.
#pragma once

#include "pg/chain_boundaries.h"
#include "pg/chain_heads.h"
#include "pg/sealed_leaves.h"
#include "pg/verify_findings.h"

namespace bulla {

struct TreesToVerify {
  const char* chain;  // null for all chains
  const ChainHeads* heads;
  const ChainBoundaries* boundaries;
  bool tiles;  // read them all
};

// Reports as truncated a chain that ends before its tree does, and as rewritten one whose tiles, checkpoint and
// row of bulla.heads do not belong together.
// So is one whose tree is gone, as far as bulla.heads tells.
void VerifyTrees(const LedgerId& ledger, const SealedLeaves* sealed, const TreesToVerify& wanted,
                 ReportFinding report, void* state);

}  // namespace bulla
