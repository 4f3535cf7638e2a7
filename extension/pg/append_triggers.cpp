// The triggers through which a ledger grows. bulla.chain_row, BEFORE INSERT FOR EACH ROW, gives the row
// its seq, prev_hash and hash; the other three keep the chain gapless when PostgreSQL does not insert a
// row after all (core/chain_tail.h).

#include "pg/boundary.h"

extern "C" {
#include "access/htup_details.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "replication/logicalworker.h"
#include "utils/lsyscache.h"
}

#include "pg/emergency.h"
#include "pg/foreign_rows.h"
#include "pg/row_openings.h"
#include "pg/subscriptions.h"
#include "pg/transaction_chains.h"

namespace bulla {
namespace {

const TriggerData* CheckedTrigger(FunctionCallInfo fcinfo, TriggerEvent timing, TriggerEvent level,
                                  const char* expected) {
  const auto* const trigger = reinterpret_cast<const TriggerData*>(fcinfo->context);
  if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ||
      (trigger->tg_event & TRIGGER_EVENT_TIMINGMASK) != timing ||
      (trigger->tg_event & TRIGGER_EVENT_ROW) != level) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("this function must be called as a trigger %s", expected),
                    errhint("bulla.create_ledger makes the triggers of a ledger.")));
  }
  return trigger;
}

struct Position {
  int64 seq;
  LeafHash prev_hash;
  LeafHash hash;
};

// How many of seq, prev_hash and hash the row brings.
int CountGiven(const LedgerRelation* ledger, const bool* nulls) {
  return !nulls[ledger->seq] + !nulls[ledger->prev_hash] + !nulls[ledger->hash];
}

bool SameHash(Datum value, const LeafHash& expected) {
  LeafHash hash;
  return ReadHash(value, &hash) && hash == expected;
}

// What the row brings must be what it gets; values it does not bring are not compared.
void CheckGiven(Relation relation, const LedgerRelation* ledger, const Datum* values,
                const bool* nulls, const Position& position) {
  if ((!nulls[ledger->seq] && DatumGetInt64(values[ledger->seq]) != position.seq) ||
      (!nulls[ledger->prev_hash] && !SameHash(values[ledger->prev_hash], position.prev_hash)) ||
      (!nulls[ledger->hash] && !SameHash(values[ledger->hash], position.hash))) {
    ereport(ERROR, (errcode(ERRCODE_GENERATED_ALWAYS),
                    errmsg("columns seq, prev_hash and hash of ledger \"%s\" cannot be chosen",
                           RelationGetRelationName(relation)),
                    errhint("Leave them out of the INSERT. To load a dump, set bulla.restore = on "
                            "and verify the ledger afterwards.")));
  }
}

[[noreturn]] void RaiseIncomplete(Relation relation) {
  ereport(ERROR,
          (errcode(ERRCODE_DATA_CORRUPTED),
           errmsg("a row of ledger \"%s\" came from its publisher without all of seq, prev_hash "
                  "and hash",
                  RelationGetRelationName(relation)),
           errhint("Publish all columns of the ledger. Rows of a plain table can be replicated "
                   "into a plain "
                   "table, whose trigger appends them to a ledger.")));
}

// Salts are drawn here: nobody could know them beforehand.
void RefuseGivenOpenings(Relation relation, const LedgerRelation* ledger, const bool* nulls) {
  if (ledger->openings < 0 || nulls[ledger->openings]) return;
  ereport(ERROR,
          (errcode(ERRCODE_GENERATED_ALWAYS),
           errmsg("column openings of ledger \"%s\" cannot be chosen",
                  RelationGetRelationName(relation)),
           errhint("Leave it out of the INSERT. To load a dump, set bulla.restore = on and verify "
                   "the ledger afterwards.")));
}

[[noreturn]] void RaiseFull(Relation relation) {
  ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                  errmsg("ledger \"%s\" has reached the last seq there is",
                         RelationGetRelationName(relation))));
}

// The record up to its position is written and hashed before the chain is locked.
Position Draw(Relation relation, const LedgerRelation* ledger, const Datum* values,
              const bool* nulls) {
  RowChain chain;
  if (!ChainOfRow(ledger, values, nulls, &chain)) RaiseUnfitRow(relation);
  RecordWriter* const record = BackendRecord();
  WriteColumns(ledger, chain, values, nulls, record);
  if (!record->ok()) RaiseUnfitRow(relation);
  const size_t hashed = record->leaf_input().size();
  Sha256* const hasher = BackendDrawHasher();
  hasher->Start();
  hasher->Update(record->leaf_input());

  OpenChain* const open = OpenChainOf(ledger, chain);
  const ChainHead head = HeadOf(open);
  if (head.seq >= PG_INT64_MAX - 1) RaiseFull(relation);
  Position position{head.seq + 1, head.hash, {}};
  record->Finish(static_cast<uint64_t>(position.seq), position.prev_hash);
  if (!record->ok()) RaiseUnfitRow(relation);
  hasher->Update(record->leaf_input().subspan(hashed));
  if (!hasher->Finish(&position.hash))
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("SHA-256 failed")));
  DrawRow(open, position.hash);
  return position;
}

// The row as it is stored, with all that Bulla adds to it.
HeapTuple ChainedRow(Relation relation, const LedgerRelation* ledger, const TupleTableSlot* row,
                     int given) {
  const int count = RelationGetDescr(relation)->natts;
  auto* const values = static_cast<Datum*>(palloc(sizeof(Datum) * count));
  auto* const nulls = static_cast<bool*>(palloc(sizeof(bool) * count));
  memcpy(values, row->tts_values, sizeof(Datum) * count);
  memcpy(nulls, row->tts_isnull, sizeof(bool) * count);
  RefuseGivenOpenings(relation, ledger, nulls);
  OpenValues(ledger, values, nulls);
  const Position position = Draw(relation, ledger, values, nulls);
  if (given > 0) CheckGiven(relation, ledger, values, nulls, position);
  values[ledger->seq] = Int64GetDatum(position.seq);
  values[ledger->prev_hash] = HashDatum(position.prev_hash);
  values[ledger->hash] = HashDatum(position.hash);
  nulls[ledger->seq] = nulls[ledger->prev_hash] = nulls[ledger->hash] = false;
  return heap_form_tuple(RelationGetDescr(relation), values, nulls);
}

[[noreturn]] void RaiseChangedRow(Relation relation) {
  ereport(ERROR, (errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
                  errmsg("a trigger changed a row of ledger \"%s\" after it was hashed",
                         RelationGetRelationName(relation)),
                  errhint("Rename that trigger so that it sorts before \"%s\".",
                          RequiredTriggers()[0].name)));
}

}  // namespace

BULLA_FUNCTION(bulla_chain_row);
Datum bulla_chain_row(PG_FUNCTION_ARGS) {
  const TriggerData* const trigger =
      CheckedTrigger(fcinfo, TRIGGER_EVENT_BEFORE, TRIGGER_EVENT_ROW, "BEFORE INSERT FOR EACH ROW");
  const LedgerRelation* const ledger = DescribeLedger(trigger->tg_relation);
  TupleTableSlot* const row = trigger->tg_trigslot;
  slot_getallattrs(row);

  const int given = CountGiven(ledger, row->tts_isnull);
  if (given == 3 && AcceptsForeignRows()) {
    return PointerGetDatum(
        AdmitForeignRow(trigger->tg_relation, ledger, row->tts_values, row->tts_isnull)
            ? trigger->tg_trigtuple
            : nullptr);
  }
  if (OidIsValid(ledger->subscription)) {
    // A worker's triggers may append to other ledgers as anybody may.
    if (IsLogicalWorker()) RaiseIncomplete(trigger->tg_relation);
    RaiseSubscribed(get_rel_name(ledger->root), ledger->subscription);
  }
  RequireMayAppend(trigger->tg_relation);
  return PointerGetDatum(ChainedRow(trigger->tg_relation, ledger, row, given));
}

BULLA_FUNCTION(bulla_confirm_row);
Datum bulla_confirm_row(PG_FUNCTION_ARGS) {
  const TriggerData* const trigger =
      CheckedTrigger(fcinfo, TRIGGER_EVENT_AFTER, TRIGGER_EVENT_ROW, "AFTER INSERT FOR EACH ROW");
  const LedgerRelation* const ledger = DescribeLedger(trigger->tg_relation);
  TupleTableSlot* const row = trigger->tg_trigslot;
  slot_getallattrs(row);
  const Datum* const values = row->tts_values;
  RowChain chain;
  Position position{DatumGetInt64(values[ledger->seq]), {}, {}};
  if (CountGiven(ledger, row->tts_isnull) != 3 ||
      !ChainOfRow(ledger, values, row->tts_isnull, &chain) ||
      !ReadHash(values[ledger->prev_hash], &position.prev_hash) ||
      !ReadHash(values[ledger->hash], &position.hash)) {
    RaiseChangedRow(trigger->tg_relation);
  }
  const Confirmation confirmation =
      ConfirmRow(ledger, chain, {position.seq, position.hash}, position.prev_hash);
  if (confirmation == Confirmation::kChanged ||
      (confirmation == Confirmation::kNotDrawn && !AcceptsForeignRows())) {
    RaiseChangedRow(trigger->tg_relation);
  }
  // Somebody's trigger may have run after ours: what it made of the row must still be what was hashed.
  LeafHash hash;
  if (ledger->later_trigger &&
      (!HashRow(ledger, chain, values, row->tts_isnull, position.seq, position.prev_hash, &hash) ||
       hash != position.hash ||
       FaultOfOpenings(ledger, values, row->tts_isnull, nullptr, nullptr) != nullptr)) {
    RaiseChangedRow(trigger->tg_relation);
  }
  return PointerGetDatum(nullptr);
}

BULLA_FUNCTION(bulla_open_statement);
Datum bulla_open_statement(PG_FUNCTION_ARGS) {
  const TriggerData* const trigger =
      CheckedTrigger(fcinfo, TRIGGER_EVENT_BEFORE, 0, "BEFORE INSERT FOR EACH STATEMENT");
  OpenStatement(DescribeLedger(trigger->tg_relation));
  return PointerGetDatum(nullptr);
}

BULLA_FUNCTION(bulla_close_statement);
Datum bulla_close_statement(PG_FUNCTION_ARGS) {
  const TriggerData* const trigger =
      CheckedTrigger(fcinfo, TRIGGER_EVENT_AFTER, 0, "AFTER INSERT FOR EACH STATEMENT");
  CloseStatement(DescribeLedger(trigger->tg_relation));
  return PointerGetDatum(nullptr);
}

}  // namespace bulla
