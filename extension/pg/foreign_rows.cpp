#include "pg/foreign_rows.h"

extern "C" {
#include "replication/logicalworker.h"
#include "utils/snapmgr.h"
}

#include "pg/erasure.h"
#include "pg/row_openings.h"
#include "pg/row_record.h"
#include "pg/row_scan.h"
#include "pg/settings.h"
#include "pg/transaction_chains.h"

namespace bulla {
namespace {

const char* HintForMismatch() {
  if (!IsLogicalWorker())
    return "The row was changed after it was written, or belongs to another ledger.";
  return "The publisher's row was changed, the publication leaves columns of it out, or it is "
         "another "
         "ledger's. To go on without it, ALTER SUBSCRIPTION … SKIP the LSN that the CONTEXT names; "
         "bulla.verify then reports what is missing.";
}

void AddName(const char* column, void* names) {
  auto* const list = static_cast<List**>(names);
  *list = lappend(*list, pstrdup(column));
}

struct FoundRow {
  bool found;
  bool readable;
  LeafHash hash;
  ItemPointerData place;
};

void KeepHash(LedgerRelation* leaf, TupleTableSlot* row, void* state) {
  auto* const result = static_cast<FoundRow*>(state);
  result->place = row->tts_tid;
  bool null;
  const Datum hash = slot_getattr(row, leaf->hash + 1, &null);
  result->found = true;
  result->readable = !null && ReadHash(hash, &result->hash);
}

// A row can arrive twice: by two subscriptions, or where rows were restored before the subscription copied
// them. As of now, since another worker may have brought it.
bool IsThere(Relation relation, const LedgerRelation* ledger, const RowChain& chain, int64 seq,
             const LeafHash& hash, ItemPointer place) {
  if (!OidIsValid(ledger->head_index)) return false;
  FoundRow there = {};
  ScanRows(RelationGetRelid(relation), chain.values, seq, seq, SnapshotSelf, KeepHash, &there);
  if (there.found && (!there.readable || there.hash != hash)) {
    ereport(
        ERROR,
        (errcode(ERRCODE_UNIQUE_VIOLATION),
         errmsg("ledger \"%s\" has another row with seq %lld in chain \"%s\" than the publisher",
                RelationGetRelationName(relation), static_cast<long long>(seq),
                NameOfChain(ledger, chain.values)),
         errhint("Rows were appended here, or it is a subscription to two publishers that are "
                 "not copies of each other. One of the two histories has to be given up.")));
  }
  *place = there.place;
  return there.found;
}

// The row that is there has what was erased from the one that arrives: the publisher's erasure went by.
void EraseWhatIsThere(Relation relation, const LedgerRelation* ledger, ItemPointer place,
                      const Datum* values, const bool* nulls, List* erased) {
  if (erased == NIL) return;
  List* const columns = EraseValues(relation, place, erased);
  if (columns != NIL) RecordPublishersErasure(ledger, values, nulls, columns);
}

}  // namespace

bool AcceptsForeignRows() { return restore_mode || IsLogicalWorker(); }

bool AdmitForeignRow(Relation relation, const LedgerRelation* ledger, const Datum* values,
                     const bool* nulls) {
  const int64 seq = DatumGetInt64(values[ledger->seq]);
  RowChain chain;
  LeafHash prev_hash;
  LeafHash given;
  LeafHash hash;
  List* erased = NIL;
  if (seq < 0 || seq == PG_INT64_MAX || !ChainOfRow(ledger, values, nulls, &chain) ||
      !ReadHash(values[ledger->prev_hash], &prev_hash) || !ReadHash(values[ledger->hash], &given) ||
      !HashRow(ledger, chain, values, nulls, seq, prev_hash, &hash) || hash != given ||
      FaultOfOpenings(ledger, values, nulls, AddName, &erased) != nullptr) {
    ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
                    errmsg("row with seq %lld of ledger \"%s\" does not match its hash",
                           static_cast<long long>(seq), RelationGetRelationName(relation)),
                    errhint("%s", HintForMismatch())));
  }
  ItemPointerData place;
  if (IsLogicalWorker() && IsThere(relation, ledger, chain, seq, hash, &place)) {
    EraseWhatIsThere(relation, ledger, &place, values, nulls, erased);
    return false;
  }
  if (IsLogicalWorker() && erased != NIL) RecordPublishersErasure(ledger, values, nulls, erased);
  ForgetHeadsAtCommit(ledger);
  return true;
}

}  // namespace bulla
