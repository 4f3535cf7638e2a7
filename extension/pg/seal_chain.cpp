#include "pg/seal_chain.h"

extern "C" {
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
}

#include "pg/boundary.h"
#include "pg/checkpoint_signer.h"
#include "pg/heads_ledger.h"
#include "pg/ordered_rows.h"
#include "pg/row_record.h"
#include "pg/tree_growth.h"

namespace bulla {
namespace {

struct Growing {
  const LogChain* chain;
  TreeGrowth* growth;
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
  const auto* const growing = static_cast<const Growing*>(state);
  const int64 seq = DatumGetInt64(row->tts_values[leaf->seq]);
  const uint64 expected = growing->growth->range.size().value;
  if (static_cast<uint64>(seq) != expected) RaiseGap(*growing->chain, expected, seq);
  LeafHash hash;
  if (row->tts_isnull[leaf->hash] || !ReadHash(row->tts_values[leaf->hash], &hash)) {
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

}  // namespace

SealedChain SealChain(const LogChain& chain, const LogRow& log) {
  TreeRow tree{};
  const bool known = FindTree(chain.ledger_id, chain.chain_id, &tree);
  if (!known) {
    tree.id = *DatumGetUUIDP(NewUuid());
    tree.ledger = chain.ledger_id;
    tree.chain_id = chain.chain_id;
    tree.chain = chain.name;
    tree.origin = OriginOf(chain, log.name, tree.epoch);
  }
  const TreeSize before = tree.size;
  TileWriter writer = BeginTiles(tree.id, before);
  Growing growing{&chain, NewGrowth(StoreTile, &writer)};
  if (known) ResumeGrowth(growing.growth, tree.id, before);
  // Of now, whatever the isolation level. A row is visible only after the one before it.
  PushActiveSnapshot(GetLatestSnapshot());
  ReadRowsInOrder(chain.ledger,
                  {true, chain.values, static_cast<int64>(before.value), PG_INT64_MAX},
                  GetActiveSnapshot(), TakeRow, &growing);
  PopActiveSnapshot();
  tree.size = growing.growth->range.size();
  tree.root = FinishGrowth(growing.growth);
  EndTiles(writer);
  pfree(growing.growth);
  const SealedChain sealed{static_cast<int64>(tree.size.value), tree.size != before};
  if (!sealed.grew) return sealed;
  tree.note = SignCheckpoint(tree.origin, tree.size, tree.root);
  if (known)
    UpdateTree(tree);
  else
    InsertTree(tree);
  if (chain.ledger != HeadsLedger()) RecordHead(tree);
  return sealed;
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
