#include "pg/chain_heads.h"

extern "C" {
#include "access/genam.h"
#include "access/nbtree.h"
#include "access/table.h"
#include "access/tableam.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
}

#include "pg/boundary.h"
#include "pg/context_owned.h"
#include "pg/ledger_relation.h"
#include "pg/row_record.h"
#include "pg/row_scan.h"
#include "pg/versions.h"

namespace bulla {
namespace {

// "(chain_by columns) < (those of `chain`)", as one scan key.
void BeforeChain(Relation index, ChainValues chain, int count, ScanKey members, ScanKey key) {
  for (int i = 0; i < count; ++i) {
    const Oid type = index->rd_opcintype[i];
    const RegProcedure compare = get_opfamily_proc(index->rd_opfamily[i], type, type, BTORDER_PROC);
    ScanKeyEntryInitialize(&members[i], SK_ROW_MEMBER | (i == count - 1 ? SK_ROW_END : 0),
                           static_cast<AttrNumber>(i + 1), BTLessStrategyNumber, InvalidOid,
                           index->rd_indcollation[i], compare, chain[i]);
  }
  *key = {};
  key->sk_flags = SK_ROW_HEADER;
  key->sk_attno = 1;
  key->sk_strategy = BTLessStrategyNumber;
  key->sk_argument = PointerGetDatum(members);
}

// The row as a head of its chain; false where it can be none.
bool ReadHead(const LedgerRelation* ledger, TupleTableSlot* row, RowChain* chain, ChainHead* head) {
  slot_getallattrs(row);
  const Datum* const values = row->tts_values;
  const bool* const nulls = row->tts_isnull;
  if (nulls[ledger->seq] || nulls[ledger->hash] || !ChainOfRow(ledger, values, nulls, chain))
    return false;
  head->seq = DatumGetInt64(values[ledger->seq]);
  return head->seq >= 0 && head->seq < PG_INT64_MAX && ReadHash(values[ledger->hash], &head->hash);
}

void Keep(ChainHeads* heads, const char* name, const ChainHead& head) {
  Enter([&]() -> Result<void> {
    ChainHead& known = heads->by_name[name];
    if (head.seq > known.seq) known = head;
    return {};
  });
}

void ReadLeaf(ChainHeads* heads, Relation leaf, Snapshot snapshot, MemoryContext memory,
              OtherRow other, void* state) {
  LedgerRelation* const ledger = DescribeLedger(leaf);
  const Relation index = OpenHeadIndex(leaf, ledger);
  const int count = ledger->arguments.chain_by_count;
  auto* const members = static_cast<ScanKey>(palloc0(sizeof(ScanKeyData) * (count + 1)));
  TupleTableSlot* const row = table_slot_create(leaf, nullptr);
  IndexScanDesc scan = BeginIndexScan(leaf, index, snapshot, 0);
  index_rescan(scan, nullptr, 0, nullptr, 0);
  const MemoryContext caller = MemoryContextSwitchTo(memory);
  while (index_getnext_slot(scan, BackwardScanDirection, row)) {
    CHECK_FOR_INTERRUPTS();
    RowChain chain;
    ChainHead head;
    if (!ReadHead(ledger, row, &chain, &head)) {
      if (other != nullptr) other(ledger, row, state);
      continue;
    }
    Keep(heads, NameOfChain(ledger, chain.values), head);
    if (count == 0) break;
    ScanKeyData key;
    BeforeChain(index, chain.values, count, members, &key);
    MemoryContextSwitchTo(caller);
    index_endscan(scan);
    scan = BeginIndexScan(leaf, index, snapshot, 1);
    MemoryContextSwitchTo(memory);
    index_rescan(scan, &key, 1, nullptr, 0);
  }
  MemoryContextSwitchTo(caller);
  index_endscan(scan);  // before the reset: what the index keeps of its own may stand there
  ExecDropSingleTupleTableSlot(row);
  index_close(index, AccessShareLock);
  MemoryContextReset(memory);
}

}  // namespace

ChainHeads* ReadChainHeads(Oid root, Snapshot snapshot, OtherRow other, void* state) {
  auto* const heads = NewInContext<ChainHeads>();
  const MemoryContext memory =
      AllocSetContextCreate(CurrentMemoryContext, "bulla chain heads", ALLOCSET_DEFAULT_SIZES);
  ListCell* cell;
  foreach (cell, LedgerLeaves(root)) {
    const Relation leaf = table_open(lfirst_oid(cell), AccessShareLock);
    ReadLeaf(heads, leaf, snapshot, memory, other, state);
    table_close(leaf, AccessShareLock);
  }
  MemoryContextDelete(memory);
  return heads;
}

}  // namespace bulla
