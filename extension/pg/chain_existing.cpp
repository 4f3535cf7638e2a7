#include "pg/chain_existing.h"

extern "C" {
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
}

#include "pg/boundary.h"
#include "pg/ledger_relation.h"
#include "pg/row_openings.h"
#include "pg/row_record.h"
#include "pg/versions.h"

namespace bulla {
namespace {

constexpr int kBatch = 1'000;
constexpr int64 kNoticeEvery = 1'000'000;

// A leaf that rows are being rewritten in; hash entry.
struct Leaf {
  Oid relation_id;
  Relation relation;
  ResultRelInfo* target;
  TupleTableSlot* old_row;
  TupleTableSlot* new_row;
};

struct Chain {
  Sha256Digest key;
  ChainedRows rows;
};

struct Rewrite {
  EState* executor;
  EPQState epq;
  HTAB* leaves;
  HTAB* chains;
  MemoryContext memory;      // lives as long as the rewrite
  MemoryContext row_memory;  // reset after each row
};

HTAB* MakeHash(const char* name, Size key_size, Size entry_size, MemoryContext memory) {
  HASHCTL control = {};
  control.keysize = key_size;
  control.entrysize = entry_size;
  control.hcxt = memory;
  return hash_create(name, 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

Leaf* FindLeaf(Rewrite* rewrite, Oid relation_id) {
  bool found;
  auto* const leaf =
      static_cast<Leaf*>(hash_search(rewrite->leaves, &relation_id, HASH_ENTER, &found));
  if (found) return leaf;
  const MemoryContext caller = MemoryContextSwitchTo(rewrite->memory);
  leaf->relation = table_open(relation_id, NoLock);
  leaf->target = makeNode(ResultRelInfo);
  InitResultRelInfo(leaf->target, leaf->relation, 0, nullptr, 0);  // 0: there is no range table
  leaf->target->ri_TrigDesc = nullptr;  // nobody's trigger may see, change or refuse this
  ExecOpenIndices(leaf->target, false);
  leaf->old_row = table_slot_create(leaf->relation, nullptr);
  leaf->new_row = MakeSingleTupleTableSlot(RelationGetDescr(leaf->relation), &TTSOpsVirtual);
  MemoryContextSwitchTo(caller);
  return leaf;
}

Chain* FindChain(Rewrite* rewrite, const LedgerRelation* ledger, const RowChain& row_chain) {
  const Sha256Digest key = DigestChainKey(row_chain);
  bool found;
  auto* const chain = static_cast<Chain*>(hash_search(rewrite->chains, &key, HASH_ENTER, &found));
  if (!found) {
    const MemoryContext caller = MemoryContextSwitchTo(rewrite->memory);
    chain->rows = {NameOfChain(ledger, row_chain.values), {}};
    MemoryContextSwitchTo(caller);
  }
  return chain;
}

void ChainRow(Rewrite* rewrite, Oid relation_id, ItemPointer row) {
  Leaf* const leaf = FindLeaf(rewrite, relation_id);
  const LedgerRelation* const ledger = DescribeLedger(leaf->relation);
  if (!table_tuple_fetch_row_version(leaf->relation, row, GetActiveSnapshot(), leaf->old_row)) {
    elog(ERROR, "row to be chained is gone, under an exclusive lock");
  }
  slot_getallattrs(leaf->old_row);
  TupleTableSlot* const chained = leaf->new_row;
  ExecClearTuple(chained);
  const int count = RelationGetDescr(leaf->relation)->natts;
  memcpy(chained->tts_values, leaf->old_row->tts_values, sizeof(Datum) * count);
  memcpy(chained->tts_isnull, leaf->old_row->tts_isnull, sizeof(bool) * count);

  OpenValues(ledger, chained->tts_values, chained->tts_isnull);
  RowChain row_chain;
  if (!ChainOfRow(ledger, chained->tts_values, chained->tts_isnull, &row_chain))
    RaiseUnfitRow(leaf->relation);
  Chain* const chain = FindChain(rewrite, ledger, row_chain);
  const ChainHead before = chain->rows.head;
  ChainHead& head = chain->rows.head;
  if (!HashRow(ledger, row_chain, chained->tts_values, chained->tts_isnull, before.seq + 1,
               before.hash, &head.hash)) {
    RaiseUnfitRow(leaf->relation);
  }
  head.seq = before.seq + 1;

  chained->tts_values[ledger->seq] = Int64GetDatum(head.seq);
  chained->tts_values[ledger->prev_hash] = HashDatum(before.hash);
  chained->tts_values[ledger->hash] = HashDatum(head.hash);
  chained->tts_isnull[ledger->seq] = chained->tts_isnull[ledger->prev_hash] =
      chained->tts_isnull[ledger->hash] = false;
  ExecStoreVirtualTuple(chained);
  ExecSimpleRelationUpdate(leaf->target, rewrite->executor, &rewrite->epq, leaf->old_row, chained);
}

// "SELECT tableoid, ctid FROM t ORDER BY <primary key>", or nullptr where there is none.
char* RowsInOrder(Oid ledger) {
  const Relation relation = table_open(ledger, NoLock);
  const Oid key = PrimaryKeyIndex(relation);
  char* query = nullptr;
  if (OidIsValid(key)) {
    query = psprintf("SELECT tableoid, ctid FROM %s ORDER BY ", QualifiedName(ledger));
    const Relation index = relation_open(key, AccessShareLock);
    for (int i = 0; i < index->rd_index->indnkeyatts; ++i) {
      const char* const column = get_attname(ledger, index->rd_index->indkey.values[i], false);
      query = psprintf("%s%s%s", query, i > 0 ? ", " : "", quote_identifier(column));
    }
    relation_close(index, AccessShareLock);
  }
  table_close(relation, NoLock);
  return query;
}

int64 ChainAll(Rewrite* rewrite, const char* query) {
  const Portal rows = SPI_cursor_open_with_args(nullptr, query, 0, nullptr, nullptr, nullptr, true,
                                                CURSOR_OPT_NO_SCROLL);
  int64 done = 0;
  for (SPI_cursor_fetch(rows, true, kBatch); SPI_processed > 0;
       SPI_cursor_fetch(rows, true, kBatch)) {
    SPITupleTable* const batch = SPI_tuptable;
    for (uint64 i = 0; i < SPI_processed; ++i) {
      CHECK_FOR_INTERRUPTS();
      const MemoryContext caller = MemoryContextSwitchTo(rewrite->row_memory);
      bool null;
      const Oid relation_id =
          DatumGetObjectId(SPI_getbinval(batch->vals[i], batch->tupdesc, 1, &null));
      const Datum row = SPI_getbinval(batch->vals[i], batch->tupdesc, 2, &null);
      ChainRow(rewrite, relation_id, reinterpret_cast<ItemPointer>(DatumGetPointer(row)));
      MemoryContextSwitchTo(caller);
      MemoryContextReset(rewrite->row_memory);
      ResetPerTupleExprContext(rewrite->executor);
      if (++done % kNoticeEvery == 0)
        ereport(NOTICE, (errmsg("%lld rows chained", static_cast<long long>(done))));
    }
    SPI_freetuptable(batch);
  }
  SPI_cursor_close(rows);
  return done;
}

List* CloseAndList(Rewrite* rewrite) {
  HASH_SEQ_STATUS all;
  hash_seq_init(&all, rewrite->leaves);
  while (auto* const leaf = static_cast<Leaf*>(hash_seq_search(&all))) {
    ExecDropSingleTupleTableSlot(leaf->old_row);
    ExecDropSingleTupleTableSlot(leaf->new_row);
    ExecCloseIndices(leaf->target);
    table_close(leaf->relation, NoLock);
  }
  List* chains = NIL;
  hash_seq_init(&all, rewrite->chains);
  while (auto* const chain = static_cast<Chain*>(hash_seq_search(&all))) {
    auto* const rows = static_cast<ChainedRows*>(palloc(sizeof(ChainedRows)));
    *rows = {pstrdup(chain->rows.chain), chain->rows.head};
    chains = lappend(chains, rows);
  }
  return chains;
}

}  // namespace

List* ChainExistingRows(Oid ledger) {
  const char* const query = RowsInOrder(ledger);
  if (query == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("\"%s\" has rows but no primary key to chain them in the order of",
                           get_rel_name(ledger)),
                    errhint("Add a primary key, or begin with an empty table.")));
  }
  Rewrite rewrite = {};
  rewrite.memory =
      AllocSetContextCreate(CurrentMemoryContext, "bulla rewrite", ALLOCSET_DEFAULT_SIZES);
  rewrite.row_memory = AllocSetContextCreate(rewrite.memory, "bulla row", ALLOCSET_DEFAULT_SIZES);
  rewrite.leaves = MakeHash("leaves", sizeof(Oid), sizeof(Leaf), rewrite.memory);
  rewrite.chains = MakeHash("chains", sizeof(Sha256Digest), sizeof(Chain), rewrite.memory);
  rewrite.executor = CreateExecutorState();
  InitEvalPlanQual(&rewrite.epq, rewrite.executor);
  PushActiveSnapshot(GetLatestSnapshot());  // the table is locked: nothing is added behind it
  rewrite.executor->es_snapshot = GetActiveSnapshot();
  rewrite.executor->es_output_cid = GetCurrentCommandId(true);
  ChainAll(&rewrite, query);
  PopActiveSnapshot();
  List* const chains = CloseAndList(&rewrite);
  EvalPlanQualEnd(&rewrite.epq);
  FreeExecutorState(rewrite.executor);
  MemoryContextDelete(rewrite.memory);
  CommandCounterIncrement();
  return chains;
}

}  // namespace bulla
