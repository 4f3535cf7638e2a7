// Judges what was sealed of a ledger: whether all its rows are still there, and whether its tiles are those of the tree
// that was signed.
#pragma once

#include "pg/chain_boundaries.h"
#include "pg/chain_heads.h"
#include "pg/sealed_leaves.h"
#include "pg/verify_findings.h"

namespace bulla {

struct TreesToVerify {
  const char* chain;     // null for all chains
  const char* chain_id;  // likewise: as the log knows the chain
  const ChainHeads* heads;
  const ChainBoundaries* boundaries;
  bool tiles;  // read them all
};

// Reports as truncated a chain that ends before its tree does, and as rewritten one whose tiles, checkpoint and
// row of bulla.heads do not belong together.
// So is one whose tree is gone, as far as bulla.heads tells. Looks at the trees of the chains' last epochs.
void VerifyTrees(const LedgerId& ledger, const SealedLeaves* sealed, const TreesToVerify& wanted,
                 ReportFinding report, void* state);

// Whether bulla.heads, which is there, has a row of the tree's chain and epoch for which this SQL condition on h holds, $4 being
// the tree's size and $5 its root.
bool AnyHead(const TreeRow& tree, const char* condition);

// Whether a tree of this chain was ever recorded in bulla.heads.
bool HeadsTellOf(const LedgerId& ledger, const char* chain_id);

// Whether the tree's note is a checkpoint of just this tree.
bool NoteTellsOf(const TreeRow& tree);

// What is wrong with all of its tiles, palloc'd; nullptr where they lead to its root.
const char* FaultOfTiles(const TreeRow& tree);

// Whether it is one of bulla.heads, which are not recorded there.
bool IsOfHeads(const TreeRow& tree);

}  // namespace bulla
