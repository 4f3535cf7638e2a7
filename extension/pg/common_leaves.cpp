#include "pg/common_leaves.h"

#include <algorithm>

extern "C" {
#include "utils/snapmgr.h"
}

#include "pg/chain_boundaries.h"
#include "pg/row_record.h"
#include "pg/row_scan.h"
#include "pg/tile_rows.h"

namespace bulla {
namespace {

struct WantedRow {
  NodeHash leaf;
  bool there;
};

void CompareRow(LedgerRelation* leaf, TupleTableSlot* row, void* state) {
  auto* const wanted = static_cast<WantedRow*>(state);
  slot_getallattrs(row);
  LeafHash hash;
  wanted->there |= !row->tts_isnull[leaf->hash] && ReadHash(row->tts_values[leaf->hash], &hash) &&
                   hash.bytes == wanted->leaf.bytes;
}

bool StandsAsSealed(const LogChain& chain, const TreeRow& tree, uint64 leaf) {
  WantedRow wanted = {};
  if (!FindLeaf(tree.tiles, leaf, &wanted.leaf)) return false;
  const auto seq = static_cast<int64>(leaf);
  ScanRows(chain.ledger, chain.values, seq, seq, GetActiveSnapshot(), CompareRow, &wanted);
  return wanted.there;
}

}  // namespace

TreeSize CommonLeaves(const LogChain& chain, const TreeRow& tree) {
  NodeHash root;
  if (!FindRoot(tree.tiles, tree.size, &root) || root != tree.root) return {0};
  const ChainBoundary* const boundary =
      FindBoundary(ReadChainBoundaries(chain.ledger_id), chain.name);
  const uint64 gone = boundary == nullptr ? 0 : static_cast<uint64>(boundary->seq);
  uint64 common = std::min(gone, tree.size.value);
  if (common == tree.size.value || StandsAsSealed(chain, tree, tree.size.value - 1))
    return tree.size;
  // So many leaves are common, and the last of so many is not.
  uint64 apart = tree.size.value;
  while (apart - common > 1) {
    const uint64 middle = common + (apart - common) / 2;
    (StandsAsSealed(chain, tree, middle - 1) ? common : apart) = middle;
  }
  return {common};
}

}  // namespace bulla
