#include "pg/row_scan.h"

extern "C" {
#include "access/genam.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_inherits.h"
#include "partitioning/partdesc.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
}

#include "pg/row_record.h"
#include "pg/versions.h"

namespace bulla {
namespace {

struct LeafScan {
  Relation relation;
  Relation index;
  LedgerRelation* ledger;
  IndexScanDesc scan;
  TupleTableSlot* slot;
};

void EqualKey(Relation index, int column, Datum value, ScanKey key) {
  const Oid type = index->rd_opcintype[column];
  const Oid equals =
      get_opfamily_member(index->rd_opfamily[column], type, type, BTEqualStrategyNumber);
  ScanKeyEntryInitialize(key, 0, static_cast<AttrNumber>(column + 1), BTEqualStrategyNumber,
                         InvalidOid, index->rd_indcollation[column], get_opcode(equals), value);
}

// Calls `visit` with each table that holds rows, open. Only what is being looked at is locked, and what it
// is a partition of: a ledger may have more partitions than the server has locks. Who holds the ledger's
// own lock, as every caller does, keeps its partitions from being dropped.
template <class Visit>
void ForEachLeaf(Oid table, Visit&& visit) {
  const Relation relation = table_open(table, AccessShareLock);
  if (relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE) {
    const PartitionDesc partitions = RelationGetPartitionDesc(relation, false);
    for (int i = 0; i < partitions->nparts; ++i) ForEachLeaf(partitions->oids[i], visit);
  } else if (relation->rd_rel->relkind == RELKIND_RELATION) {
    visit(relation);
  }
  table_close(relation, AccessShareLock);
}

// Opens a scan of one leaf over one chain; extra keys on seq follow those on the chain.
LeafScan Open(Relation leaf, ChainValues chain, Snapshot snapshot, int bounds, const int64* bound,
              const StrategyNumber* strategy, const RegProcedure* function) {
  LeafScan open;
  open.relation = leaf;
  open.ledger = DescribeLedger(open.relation);
  open.index = OpenHeadIndex(open.relation, open.ledger);
  const int chain_keys = open.ledger->arguments.chain_by_count;
  auto* const keys = static_cast<ScanKey>(palloc0(sizeof(ScanKeyData) * (chain_keys + bounds + 1)));
  for (int i = 0; i < chain_keys; ++i) EqualKey(open.index, i, chain[i], &keys[i]);
  for (int i = 0; i < bounds; ++i) {
    ScanKeyInit(&keys[chain_keys + i], static_cast<AttrNumber>(chain_keys + 1), strategy[i],
                function[i], Int64GetDatum(bound[i]));
  }
  open.slot = table_slot_create(open.relation, nullptr);
  open.scan = BeginIndexScan(open.relation, open.index, snapshot, chain_keys + bounds);
  index_rescan(open.scan, keys, chain_keys + bounds, nullptr, 0);
  return open;
}

void Close(LeafScan* open) {
  index_endscan(open->scan);
  ExecDropSingleTupleTableSlot(open->slot);
  index_close(open->index, AccessShareLock);
}

ChainHead HeadFrom(const LedgerRelation* ledger, TupleTableSlot* row) {
  bool no_seq;
  bool no_hash;
  const int64 seq = DatumGetInt64(slot_getattr(row, ledger->seq + 1, &no_seq));
  const Datum hash = slot_getattr(row, ledger->hash + 1, &no_hash);
  ChainHead head{seq, {}};
  if (no_seq || no_hash || !ReadHash(hash, &head.hash)) {
    ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
                    errmsg("the last row of ledger \"%s\" has no seq or no hash",
                           get_rel_name(ledger->relation)),
                    errhint("bulla.verify tells what happened to it.")));
  }
  return head;
}

}  // namespace

Relation OpenHeadIndex(Relation leaf, const LedgerRelation* ledger) {
  if (!OidIsValid(ledger->head_index)) {
    ereport(
        ERROR,
        (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
         errmsg("ledger \"%s\" has no index on its chain_by columns and seq",
                RelationGetRelationName(leaf)),
         errhint("Create it again: CREATE UNIQUE INDEX ON the table (chain_by columns, seq).")));
  }
  return index_open(ledger->head_index, AccessShareLock);
}

List* LedgerLeaves(Oid root) {
  if (get_rel_relkind(root) != RELKIND_PARTITIONED_TABLE) return list_make1_oid(root);
  List* leaves = NIL;
  ListCell* cell;
  foreach (cell, find_all_inheritors(root, AccessShareLock, nullptr)) {
    if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_RELATION)
      leaves = lappend_oid(leaves, lfirst_oid(cell));
  }
  return leaves;
}

ChainHead ScanHead(Oid root, ChainValues chain, Snapshot snapshot) {
  ChainHead head;
  ForEachLeaf(root, [&](Relation leaf) {
    LeafScan open = Open(leaf, chain, snapshot, 0, nullptr, nullptr, nullptr);
    if (index_getnext_slot(open.scan, BackwardScanDirection, open.slot)) {
      const ChainHead last = HeadFrom(open.ledger, open.slot);
      if (last.seq > head.seq) head = last;
    }
    Close(&open);
  });
  return head;
}

ChainHead ScanDamagedHead(Oid root, ChainValues chain, Snapshot snapshot,
                          void (*other)(LedgerRelation* leaf, TupleTableSlot* row, void* state),
                          void* state) {
  ChainHead head;
  ForEachLeaf(root, [&](Relation leaf) {
    LeafScan open = Open(leaf, chain, snapshot, 0, nullptr, nullptr, nullptr);
    while (index_getnext_slot(open.scan, BackwardScanDirection, open.slot)) {
      bool no_seq;
      bool no_hash;
      const int64 seq = DatumGetInt64(slot_getattr(open.slot, open.ledger->seq + 1, &no_seq));
      if (no_seq) other(open.ledger, open.slot, state);
      if (no_seq || seq == PG_INT64_MAX) continue;
      ChainHead last{seq, {}};
      const Datum hash = slot_getattr(open.slot, open.ledger->hash + 1, &no_hash);
      if (!no_hash) ReadHash(hash, &last.hash);
      if (last.seq > head.seq) head = last;
      break;
    }
    Close(&open);
  });
  return head;
}

void ScanRows(Oid root, ChainValues chain, int64 first, int64 last, Snapshot snapshot,
              void (*found)(LedgerRelation* leaf, TupleTableSlot* row, void* state), void* state) {
  const int64 bounds[] = {first, last};
  constexpr StrategyNumber kStrategies[] = {BTGreaterEqualStrategyNumber,
                                            BTLessEqualStrategyNumber};
  constexpr RegProcedure kFunctions[] = {F_INT8GE, F_INT8LE};
  ForEachLeaf(root, [&](Relation leaf) {
    LeafScan open = Open(leaf, chain, snapshot, 2, bounds, kStrategies, kFunctions);
    while (index_getnext_slot(open.scan, ForwardScanDirection, open.slot))
      found(open.ledger, open.slot, state);
    Close(&open);
  });
}

}  // namespace bulla
