#include "pg/verify_rows.h"

extern "C" {
#include "access/htup_details.h"
#include "miscadmin.h"
#include "utils/memutils.h"
}

#include "core/hex.h"
#include "pg/boundary.h"
#include "pg/context_owned.h"
#include "pg/lost_labels.h"
#include "pg/row_openings.h"
#include "pg/row_record.h"

namespace bulla {
namespace {

ChainCheck* ChainOf(RowCheck* check, const LedgerRelation* ledger, const RowChain& chain) {
  if (ChainCheck* const known = check->chains->Find(chain.key)) return known;
  const char* const name = NameOfChain(ledger, chain.values);
  return Enter([&]() -> Result<ChainCheck*> { return check->chains->Add(chain.key, name); });
}

const char* Hex(const LeafHash& hash) {
  char* const text = static_cast<char*>(palloc(2 * hash.bytes.size() + 1));
  *EncodeHex(hash.bytes, text) = '\0';
  return text;
}

void ReportRow(const RowCheck* check, const char* chain, const int64* seq, const char* detail) {
  check->report({chain, seq, "altered", detail}, check->report_state);
}

const char* Place(TupleTableSlot* row) {
  return psprintf("row at ctid (%u,%u)", ItemPointerGetBlockNumber(&row->tts_tid),
                  ItemPointerGetOffsetNumber(&row->tts_tid));
}

void AddColumn(const char* column, void* columns) {
  auto* const list = static_cast<List**>(columns);
  *list = lappend(*list, pstrdup(column));
}

bool IsRecorded(RowCheck* check, const LedgerRelation* ledger, const char* chain, int64 seq,
                const char* column) {
  if (check->erasures == nullptr) {
    const MemoryContext row = MemoryContextSwitchTo(MemoryContextGetParent(check->row_memory));
    check->erasures = NewRecordedErasures(ledger->arguments.id);
    MemoryContextSwitchTo(row);
  }
  return IsErasureRecorded(check->erasures, chain, seq, column);
}

// The erasable values of a row whose hash is right: each is there and the one committed to, or was erased
// and that is recorded.
void JudgeValues(RowCheck* check, const LedgerRelation* ledger, TupleTableSlot* row,
                 const char* chain, int64 seq) {
  List* erased = NIL;
  if (const char* const fault =
          FaultOfOpenings(ledger, row->tts_values, row->tts_isnull, AddColumn, &erased)) {
    ReportRow(check, chain, &seq, fault);
    return;
  }
  ListCell* cell;
  foreach (cell, erased) {
    const auto* const column = static_cast<const char*>(lfirst(cell));
    if (IsRecorded(check, ledger, chain, seq, column)) {
      ++check->erased;
    } else {
      ReportRow(check, chain, &seq,
                psprintf("column %s was erased, which bulla.events does not tell of", column));
    }
  }
}

void Judge(RowCheck* check, const LedgerRelation* ledger, TupleTableSlot* row) {
  slot_getallattrs(row);
  const Datum* const values = row->tts_values;
  const bool* const nulls = row->tts_isnull;
  RowChain chain;
  LeafHash prev_hash;
  LeafHash hash;
  if (!ChainOfRow(ledger, values, nulls, &chain)) {
    ++check->rows;
    ReportRow(
        check, nullptr, nullptr,
        psprintf("%s belongs to no chain: a chain_by column is null or too long", Place(row)));
    return;
  }
  ChainCheck* const state = ChainOf(check, ledger, chain);
  const int64 seq = nulls[ledger->seq] ? -1 : DatumGetInt64(values[ledger->seq]);
  if (seq < 0 || seq == PG_INT64_MAX) {
    ++check->rows;
    ReportRow(check, state->name.c_str(), nulls[ledger->seq] ? nullptr : &seq,
              psprintf("%s has no valid seq", Place(row)));
    return;
  }
  state->highest_seq = Max(state->highest_seq, seq);
  if (seq + 1 < check->first || seq > check->last) return;
  const bool readable = !nulls[ledger->prev_hash] && !nulls[ledger->hash] &&
                        ReadHash(values[ledger->prev_hash], &prev_hash) &&
                        ReadHash(values[ledger->hash], &hash);
  Enter([&]() -> Result<void> {
    if (readable) {
      state->links.Add(seq, prev_hash, hash);
    } else {
      state->links.AddDamaged(seq);
    }
    return {};
  });
  if (seq < check->first) return;  // the predecessor of the range: looked at for its hash only

  ++check->rows;
  if (!readable) {
    ReportRow(check, state->name.c_str(), &seq, "prev_hash or hash is not 32 bytes");
    return;
  }
  // No enum is in chain_by, which has been printed by now.
  if (const LedgerColumn* const lost = FindLostLabel(ledger, values, nulls)) {
    ReportRow(check, state->name.c_str(), &seq,
              psprintf("column %s has a label that is gone from its enum", lost->name));
    return;
  }
  if (const NodeHash* const sealed =
          check->sealed != nullptr ? SealedHash(check->sealed, state->name, seq) : nullptr;
      sealed != nullptr && sealed->bytes != hash.bytes) {
    check->report({state->name.c_str(), &seq, "rewritten",
                   psprintf("its hash is %s, the tree that was signed has %s", Hex(hash),
                            Hex({sealed->bytes}))},
                  check->report_state);
  }
  LeafHash actual;
  if (!HashRow(ledger, chain, values, nulls, seq, prev_hash, &actual)) {
    const char* const fault = FaultOfOpenings(ledger, values, nulls, nullptr, nullptr);
    ReportRow(check, state->name.c_str(), &seq,
              fault != nullptr ? fault : "its record exceeds the size limit");
  } else if (actual != hash) {
    ReportRow(check, state->name.c_str(), &seq,
              psprintf("the row hashes to %s, its hash is %s", Hex(actual), Hex(hash)));
  } else if (ledger->arguments.erasable_count > 0) {
    JudgeValues(check, ledger, row, state->name.c_str(), seq);
  }
}

}  // namespace

RowCheck* NewRowCheck(int64 first, int64 last, ReportFinding report, void* state) {
  auto* const check = static_cast<RowCheck*>(palloc0(sizeof(RowCheck)));
  check->first = first;
  check->last = last;
  check->report = report;
  check->report_state = state;
  check->chains = NewInContext<ChainChecks>();
  check->row_memory =
      AllocSetContextCreate(CurrentMemoryContext, "bulla verified row", ALLOCSET_DEFAULT_SIZES);
  return check;
}

void CheckRow(LedgerRelation* leaf, TupleTableSlot* row, void* state) {
  auto* const check = static_cast<RowCheck*>(state);
  CHECK_FOR_INTERRUPTS();
  const MemoryContext caller = MemoryContextSwitchTo(check->row_memory);
  Judge(check, leaf, row);
  MemoryContextSwitchTo(caller);
  MemoryContextReset(check->row_memory);
  if (check->rows - check->ticked >= kRowsPerTick) EndRows(check);
}

void EndRows(RowCheck* check) {
  if (check->tick != nullptr) check->tick(check, check->rows - check->ticked);
  check->ticked = check->rows;
}

}  // namespace bulla
