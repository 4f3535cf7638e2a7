#include "pg/seal_chain.h"

extern "C" {
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
}

#include <algorithm>

#include "pg/boundary.h"
#include "pg/checkpoint_signer.h"
#include "pg/common_leaves.h"
#include "pg/heads_ledger.h"
#include "pg/ordered_rows.h"
#include "pg/restore_loss.h"
#include "pg/restore_rows.h"
#include "pg/row_record.h"
#include "pg/tree_growth.h"

namespace bulla {
namespace {

// The tree takes the rows that follow its leaves.
struct Growing {
  const LogChain* chain;
  TreeGrowth* growth;
  bool stop_at_gap;
  bool stopped;
};

[[noreturn]] void RaiseGap(const LogChain& chain, uint64 expected, int64 found) {
  ereport(
      ERROR,
      (errcode(ERRCODE_DATA_CORRUPTED),
       errmsg("chain \"%s\" of ledger \"%s\" cannot be sealed: row " UINT64_FORMAT
              " is missing, row " INT64_FORMAT " follows",
              chain.name, get_rel_name(chain.ledger), expected, found),
       errhint("bulla.verify tells more. Rows that were pruned before they were sealed are in no "
               "tree.")));
}

void TakeRow(LedgerRelation* leaf, TupleTableSlot* row, void* state) {
  auto* const growing = static_cast<Growing*>(state);
  if (growing->stopped) return;
  const int64 seq = DatumGetInt64(row->tts_values[leaf->seq]);
  const uint64 expected = growing->growth->range.size().value;
  LeafHash hash;
  const bool has_hash =
      !row->tts_isnull[leaf->hash] && ReadHash(row->tts_values[leaf->hash], &hash);
  growing->stopped = growing->stop_at_gap && (static_cast<uint64>(seq) != expected || !has_hash);
  if (growing->stopped) return;
  if (static_cast<uint64>(seq) != expected) RaiseGap(*growing->chain, expected, seq);
  if (!has_hash) {
    ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
                    errmsg("row " INT64_FORMAT " of chain \"%s\" of ledger \"%s\" has no hash", seq,
                           growing->chain->name, get_rel_name(growing->chain->ledger)),
                    errhint("bulla.verify tells more.")));
  }
  AppendLeaf(growing->growth, {hash.bytes});
}

void StoreTile(void* writer, unsigned level, uint64 index, Bytes hashes) {
  WriteTile(*static_cast<const TileWriter*>(writer), level, index, hashes);
}

// The first leaves of another tree become those of this one.
void CopyLeaves(const TreeRow& from, TreeSize count, TreeGrowth* growth) {
  for (uint64 leaf = 0; leaf < count.value; leaf += kTileWidth) {
    CHECK_FOR_INTERRUPTS();
    const Bytes hashes = ReadTile(from.tiles, 0, leaf / kTileWidth);
    const auto wanted = static_cast<size_t>(std::min<uint64>(kTileWidth, count.value - leaf));
    if (hashes.size() < wanted * sizeof(NodeHash))
      elog(ERROR, "a tile of tree \"%s\" is gone from bulla.tiles", from.origin);
    for (size_t i = 0; i < wanted; ++i) {
      NodeHash hash;
      memcpy(hash.bytes.data(), hashes.data() + i * sizeof(NodeHash), sizeof(NodeHash));
      AppendLeaf(growth, hash);
    }
  }
}

// What a tree has before it takes rows: what its tiles have, or the first leaves of another.
struct Beginning {
  TreeSize stored;
  const TreeRow* copied = nullptr;
  TreeSize leaves = {};  // of the other
};

// Takes rows into the tree, of which size and root become others.
void GrowTree(const LogChain& chain, const Beginning& beginning, bool stop_at_gap, TreeRow* tree) {
  TileWriter writer = BeginTiles(tree->tiles, beginning.stored);
  Growing growing{&chain, NewGrowth(StoreTile, &writer), stop_at_gap, false};
  if (beginning.stored.value > 0) ResumeGrowth(growing.growth, tree->tiles, beginning.stored);
  if (beginning.copied != nullptr) CopyLeaves(*beginning.copied, beginning.leaves, growing.growth);
  // Of now, whatever the isolation level. A row is visible only after the one before it.
  PushActiveSnapshot(GetLatestSnapshot());
  ReadRowsInOrder(
      chain.ledger,
      {true, chain.values, static_cast<int64>(growing.growth->range.size().value), PG_INT64_MAX},
      GetActiveSnapshot(), TakeRow, &growing);
  PopActiveSnapshot();
  tree->size = growing.growth->range.size();
  tree->root = FinishGrowth(growing.growth);
  EndTiles(writer);
  pfree(growing.growth);
}

TreeRow NewTree(const LogChain& chain, const LogRow& log, int32 epoch) {
  TreeRow tree{};
  tree.id = tree.tiles = *DatumGetUUIDP(NewUuid());
  tree.ledger = chain.ledger_id;
  tree.chain_id = chain.chain_id;
  tree.chain = chain.name;
  tree.epoch = epoch;
  tree.origin = OriginOf(chain, log.name, epoch);
  return tree;
}

void StoreTree(const LogChain& chain, bool known, TreeRow* tree) {
  tree->note = SignCheckpoint(tree->origin, tree->size, tree->root);
  if (known)
    UpdateTree(*tree);
  else
    InsertTree(*tree);
  if (chain.ledger != HeadsLedger()) RecordHead(*tree);
}

}  // namespace

SealedChain SealChain(const LogChain& chain, const LogRow& log) {
  TreeRow tree{};
  const bool known = FindTree(chain.ledger_id, chain.chain_id, &tree);
  const int32 epoch = EpochOfLedger(chain.ledger_id);
  if (known && tree.epoch < epoch) {
    OpenEpoch(chain, log, NIL);
    FindTree(chain.ledger_id, chain.chain_id, &tree);
    return {static_cast<int64>(tree.size.value), true};
  }
  if (!known) tree = NewTree(chain, log, epoch);
  const TreeSize before = tree.size;
  GrowTree(chain, {before}, false, &tree);
  const SealedChain sealed{static_cast<int64>(tree.size.value), tree.size != before};
  if (sealed.grew) StoreTree(chain, known, &tree);
  return sealed;
}

bool OpenEpoch(const LogChain& chain, const LogRow& log, List* published) {
  TreeRow before{};
  const bool known = FindTree(chain.ledger_id, chain.chain_id, &before);
  const RestoreRow restore = LastRestore(chain.ledger_id);
  TreeRow tree = NewTree(chain, log, restore.epoch);
  PushActiveSnapshot(GetLatestSnapshot());
  if (known) tree.common = CommonLeaves(chain, before);
  PopActiveSnapshot();
  const bool goes_on = known && tree.common == before.size;
  if (goes_on) tree.tiles = before.tiles;
  GrowTree(
      chain,
      goes_on ? Beginning{before.size} : Beginning{{0}, known ? &before : nullptr, tree.common},
      true, &tree);
  const Loss loss = JudgeLoss(known ? &before : nullptr, tree, published);
  tree.common = loss.common;
  StoreTree(chain, false, &tree);
  if (known || published != NIL)
    RecordLoss(chain, known ? &before : nullptr, tree, loss, restore.reason);
  return loss.any;
}

void RequireSealed(Oid ledger, const char* chain, int64 seq) {
  LogRow log;
  if (!FindLog(&log)) return;
  const LogChain named = NameLogChain(ledger, chain);
  TreeRow tree{};
  if (FindTree(named.ledger_id, named.chain_id, &tree) &&
      static_cast<uint64>(seq) < tree.size.value)
    return;
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("rows of chain \"%s\" of ledger \"%s\" up to " INT64_FORMAT
                  " are to go and only the first " INT64_FORMAT " are sealed",
                  chain, get_rel_name(ledger), seq, static_cast<int64>(tree.size.value)),
           errhint("Call bulla.seal first: without them the chain's tree could never grow.")));
}

}  // namespace bulla
