#include "pg/ordered_rows.h"

extern "C" {
#include "access/genam.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "lib/binaryheap.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/sortsupport.h"
}

#include "pg/row_scan.h"
#include "pg/versions.h"

namespace bulla {
namespace {

struct Source {
  Relation relation;
  Relation index;
  LedgerRelation* ledger;
  IndexScanDesc scan;
  TupleTableSlot* slot;
  SortSupport order;  // one per chain_by column
};

Oid OrderOperator(Relation index, int column, StrategyNumber strategy) {
  const Oid type = index->rd_opcintype[column];
  return get_opfamily_member(index->rd_opfamily[column], type, type, static_cast<int16>(strategy));
}

ScanKey KeysOf(const Source* source, const RowRange& range, int* count) {
  const int chain_by = source->ledger->arguments.chain_by_count;
  auto* const keys = static_cast<ScanKey>(palloc0(sizeof(ScanKeyData) * (chain_by + 2)));
  *count = 0;
  for (int i = 0; range.one_chain && i < chain_by; ++i) {
    const Oid equals = OrderOperator(source->index, i, BTEqualStrategyNumber);
    ScanKeyEntryInitialize(&keys[(*count)++], 0, static_cast<AttrNumber>(i + 1),
                           BTEqualStrategyNumber, InvalidOid, source->index->rd_indcollation[i],
                           get_opcode(equals), range.chain[i]);
  }
  const auto seq = static_cast<AttrNumber>(chain_by + 1);
  ScanKeyInit(&keys[(*count)++], seq, BTGreaterEqualStrategyNumber, F_INT8GE,
              Int64GetDatum(range.first));
  ScanKeyInit(&keys[(*count)++], seq, BTLessEqualStrategyNumber, F_INT8LE,
              Int64GetDatum(range.last));
  return keys;
}

// How the index orders the values of the chain_by columns.
SortSupport OrderOf(const Source* source) {
  const int chain_by = source->ledger->arguments.chain_by_count;
  auto* const order = static_cast<SortSupport>(palloc0(sizeof(SortSupportData) * (chain_by + 1)));
  for (int i = 0; i < chain_by; ++i) {
    order[i].ssup_cxt = CurrentMemoryContext;
    order[i].ssup_collation = source->index->rd_indcollation[i];
    PrepareSortSupportFromOrderingOp(OrderOperator(source->index, i, BTLessStrategyNumber),
                                     &order[i]);
  }
  return order;
}

Source* Open(Oid leaf, const RowRange& range, Snapshot snapshot) {
  auto* const source = static_cast<Source*>(palloc(sizeof(Source)));
  source->relation = table_open(leaf, AccessShareLock);
  source->ledger = DescribeLedger(source->relation);
  source->index = OpenHeadIndex(source->relation, source->ledger);
  source->order = OrderOf(source);
  int count;
  const ScanKey keys = KeysOf(source, range, &count);
  source->slot = table_slot_create(source->relation, nullptr);
  source->scan = BeginIndexScan(source->relation, source->index, snapshot, count);
  index_rescan(source->scan, keys, count, nullptr, 0);
  return source;
}

void Close(Source* source) {
  index_endscan(source->scan);
  ExecDropSingleTupleTableSlot(source->slot);
  index_close(source->index, AccessShareLock);
  table_close(source->relation, AccessShareLock);
  pfree(source);
}

bool Advance(Source* source) {
  if (!index_getnext_slot(source->scan, ForwardScanDirection, source->slot)) return false;
  slot_getallattrs(source->slot);
  return true;
}

// The row that comes first is the greatest: what PostgreSQL's heap keeps on top. A description may be
// replaced in between, so it is taken from the source each time.
int CompareRows(Datum a, Datum b, void*) {
  const auto* const one = reinterpret_cast<const Source*>(DatumGetPointer(a));
  const auto* const other = reinterpret_cast<const Source*>(DatumGetPointer(b));
  const TupleTableSlot* const x = one->slot;
  const TupleTableSlot* const y = other->slot;
  for (int i = 0; i < one->ledger->arguments.chain_by_count; ++i) {
    const int at_x = one->ledger->columns[one->ledger->chain_by[i]].attribute;
    const int at_y = other->ledger->columns[other->ledger->chain_by[i]].attribute;
    const int order = ApplySortComparator(x->tts_values[at_x], x->tts_isnull[at_x],
                                          y->tts_values[at_y], y->tts_isnull[at_y], &one->order[i]);
    if (order != 0) return -order;
  }
  const int64 seq_x = DatumGetInt64(x->tts_values[one->ledger->seq]);
  const int64 seq_y = DatumGetInt64(y->tts_values[other->ledger->seq]);
  return seq_x < seq_y ? 1 : seq_x > seq_y ? -1 : 0;
}

}  // namespace

void ReadRowsInOrder(Oid root, const RowRange& range, Snapshot snapshot,
                     void (*found)(LedgerRelation* leaf, TupleTableSlot* row, void* state),
                     void* state) {
  List* const leaves = LedgerLeaves(root);
  binaryheap* const sources =
      binaryheap_allocate(Max(list_length(leaves), 1), CompareRows, nullptr);
  ListCell* cell;
  foreach (cell, leaves) {
    Source* const source = Open(lfirst_oid(cell), range, snapshot);
    if (Advance(source)) {
      binaryheap_add_unordered(sources, PointerGetDatum(source));
    } else {
      Close(source);
    }
  }
  binaryheap_build(sources);
  while (!binaryheap_empty(sources)) {
    CHECK_FOR_INTERRUPTS();
    const Datum top = binaryheap_first(sources);
    auto* const source = reinterpret_cast<Source*>(DatumGetPointer(top));
    found(source->ledger, source->slot, state);
    if (Advance(source)) {
      binaryheap_replace_first(sources, top);
    } else {
      binaryheap_remove_first(sources);
      Close(source);
    }
  }
  binaryheap_free(sources);
}

}  // namespace bulla
