// SQL functions through which a ledger is verified and its records are read.

#include "pg/boundary.h"

extern "C" {
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
}

#include "pg/arguments.h"
#include "pg/chain_boundaries.h"
#include "pg/event_lookup.h"
#include "pg/ledger_relation.h"
#include "pg/row_record.h"
#include "pg/row_scan.h"
#include "pg/verify_epochs.h"
#include "pg/verify_ledger.h"
#include "pg/versions.h"

namespace bulla {
namespace {

constexpr Datum kNone{0};

Datum TextOrNull(const char* text, bool* null) {
  *null = text == nullptr;
  return *null ? kNone : CStringGetTextDatum(text);
}

// The finding that verify_summary names: by row before by ledger, then by chain, then by seq.
struct FirstFinding {
  bool any;
  bool has_seq;
  char* chain;
  int64 seq;
  char* verdict;
};

bool ComesBefore(const Finding& finding, const FirstFinding& first) {
  if (!first.any) return true;
  if ((finding.seq != nullptr) != first.has_seq) return finding.seq != nullptr;
  const int order = strcmp(finding.chain != nullptr ? finding.chain : "",
                           first.chain != nullptr ? first.chain : "");
  return order < 0 || (order == 0 && finding.seq != nullptr && *finding.seq < first.seq);
}

void KeepFirst(const Finding& finding, void* state) {
  auto* const first = static_cast<FirstFinding*>(state);
  if (!IsFault(finding) || !ComesBefore(finding, *first)) return;
  const MemoryContext caller = MemoryContextSwitchTo(CurTransactionContext);
  *first = {true, finding.seq != nullptr,
            finding.chain != nullptr ? pstrdup(finding.chain) : nullptr,
            finding.seq != nullptr ? *finding.seq : 0, pstrdup(finding.verdict)};
  MemoryContextSwitchTo(caller);
}

// Where chains begin that do not begin with seq 0; nullptr where all do.
const char* PrunedNote(const LedgerId& id) {
  const ChainBoundaries* const boundaries = ReadChainBoundaries(id);
  if (boundaries->by_name.empty()) return nullptr;
  const auto& [chain, list] = *boundaries->by_name.begin();
  if (boundaries->by_name.size() > 1) {
    return psprintf("pruned: %zu chains begin behind rows that were pruned or detached",
                    boundaries->by_name.size());
  }
  return psprintf(
      "pruned: chain \"%s\" begins with seq %lld, the rows before it went at %s%s", chain.c_str(),
      static_cast<long long>(list.back().seq), timestamptz_to_str(list.back().recorded_at),
      list.back().event_seq < SealedEvents() ? "" : ", by an event that is not sealed yet");
}

// What explains without alarming.
Datum Notes(Oid ledger, const Verified& verified) {
  List* const restores = RestoresOf(IdOfLedger(ledger));
  const Relation relation = table_open(ledger, AccessShareLock);
  const LedgerArguments& arguments = LookAtLedger(relation)->arguments;
  const int64 retroactive = Max(arguments.retroactive_rows, RecordedRetroactiveRows(arguments.id));
  auto* const notes =
      static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<size_t>(3 + list_length(restores))));
  int count = 0;
  for (int i = 0; i < list_length(restores); ++i) {
    notes[count++] = CStringGetTextDatum(
        psprintf("restored: %s", static_cast<const char*>(list_nth(restores, i))));
  }
  if (retroactive > 0) {
    notes[count++] = CStringGetTextDatum(
        psprintf("retroactive: " INT64_FORMAT
                 " rows were there before the ledger was and chained when it was created at %s",
                 retroactive, arguments.created_at));
  }
  if (verified.erased > 0) {
    notes[count++] = CStringGetTextDatum(
        psprintf("erased: " INT64_FORMAT
                 " values were erased by bulla.erase, the hashes of their rows stand",
                 verified.erased));
  }
  if (const char* const pruned = PrunedNote(arguments.id))
    notes[count++] = CStringGetTextDatum(pruned);
  table_close(relation, AccessShareLock);
  return PointerGetDatum(construct_array(notes, count, TEXTOID, -1, false, TYPALIGN_INT));
}

Datum IntervalSince(TimestampTz start) {
  auto* const interval = static_cast<Interval*>(palloc0(sizeof(Interval)));
  interval->time = GetCurrentTimestamp() - start;
  return IntervalPGetDatum(interval);
}

struct FoundRecord {
  bool found;
  bytea* record;
};

void CopyRecord(LedgerRelation* leaf, TupleTableSlot* row, void* state) {
  auto* const result = static_cast<FoundRecord*>(state);
  slot_getallattrs(row);
  RowChain chain;
  LeafHash prev_hash;
  RecordWriter* const record = BackendRecord();
  if (result->found || row->tts_isnull[leaf->prev_hash] ||
      !ReadHash(row->tts_values[leaf->prev_hash], &prev_hash) ||
      !ChainOfRow(leaf, row->tts_values, row->tts_isnull, &chain)) {
    return;
  }
  WriteColumns(leaf, chain, row->tts_values, row->tts_isnull, record);
  record->Finish(static_cast<uint64_t>(DatumGetInt64(row->tts_values[leaf->seq])), prev_hash);
  if (!record->ok()) return;
  const Bytes bytes = record->record();
  result->found = true;
  result->record = static_cast<bytea*>(palloc(VARHDRSZ + bytes.size()));
  SET_VARSIZE(result->record, VARHDRSZ + bytes.size());
  memcpy(VARDATA(result->record), bytes.data(), bytes.size());
}

}  // namespace

BULLA_FUNCTION(bulla_verify);
Datum bulla_verify(PG_FUNCTION_ARGS) {
  const Oid ledger = ReadableLedger(fcinfo);
  VerifyRange range = kWholeLedger;
  if (!PG_ARGISNULL(1)) range.chain = text_to_cstring(PG_GETARG_TEXT_PP(1));
  range.first = SeqArgument(fcinfo, 2, "from_seq", range.first);
  range.last = SeqArgument(fcinfo, 3, "to_seq", range.last);
  ReturnSet(fcinfo);
  VerifyLedger(ledger, range, PutFinding, fcinfo->resultinfo);
  return kNone;
}

BULLA_FUNCTION(bulla_verify_summary);
Datum bulla_verify_summary(PG_FUNCTION_ARGS) {
  const Oid ledger = ReadableLedger(fcinfo);
  TupleDesc columns;
  if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "return type must be a row type");
  const TimestampTz start = GetCurrentTimestamp();
  FirstFinding first = {};
  const Verified verified = VerifyLedger(ledger, kWholeLedger, KeepFirst, &first);
  const bool one_chain = verified.chains == 1 && verified.head.seq >= 0;

  bool nulls[10] = {};
  Datum values[] = {
      BoolGetDatum(!first.any),
      Int64GetDatum(verified.rows),
      Int64GetDatum(verified.chains),
      TextOrNull(first.chain, &nulls[3]),
      Int64GetDatum(first.seq),
      TextOrNull(first.verdict, &nulls[5]),
      Int64GetDatum(verified.head.seq),
      HashDatum(verified.head.hash),
      IntervalSince(start),
      Notes(ledger, verified),
  };
  nulls[4] = !first.any || !first.has_seq;
  nulls[6] = nulls[7] = !one_chain;
  return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls));
}

BULLA_FUNCTION(bulla_row_record);
Datum bulla_row_record(PG_FUNCTION_ARGS) {
  const Oid ledger = ReadableLedger(fcinfo);
  if (PG_ARGISNULL(1) || PG_ARGISNULL(2)) {
    ereport(ERROR,
            (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("chain and seq must not be null"),
             errhint("The chain of a ledger without chain_by is ''.")));
  }
  const char* const chain = text_to_cstring(PG_GETARG_TEXT_PP(1));
  const int64 seq = PG_GETARG_INT64(2);
  const Relation relation = table_open(ledger, AccessShareLock);
  const ChainValues values = ChainOfName(DescribeLedger(relation), chain);
  FoundRecord result = {};
  ScanRows(ledger, values, seq, seq, GetActiveSnapshot(), CopyRecord, &result);
  table_close(relation, AccessShareLock);
  if (!result.found) {
    ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
                    errmsg("ledger \"%s\" has no row with seq %lld in chain \"%s\"",
                           get_rel_name(ledger), static_cast<long long>(seq), chain)));
  }
  PG_RETURN_BYTEA_P(result.record);
}

}  // namespace bulla
