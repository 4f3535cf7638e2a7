#include "pg/append_queue.h"

#include <vector>

extern "C" {
#include "access/detoast.h"
#include "access/table.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
}

#include "pg/boundary.h"
#include "pg/emergency.h"
#include "pg/insert_rows.h"
#include "pg/queued_chains.h"
#include "pg/row_log.h"
#include "pg/transaction_chains.h"
#include "pg/versions.h"

namespace bulla {
namespace {

// Where a row goes, and as whom.
struct Target {
  Oid ledger;
  UserScope inserter;
  bool operator==(const Target&) const = default;
};

// What a subtransaction found, to go back to.
struct Mark {
  int nest;
  LogPlace end;
  LogPlace inserted;
};

struct Queue {
  RowLog* log = nullptr;  // each row under the index of its target
  LogPlace inserted = 0;  // what stands before it is in its ledger
  std::vector<Target> targets;
  std::vector<Mark> marks;  // of subtransactions that changed the above, outermost first
  bool closed = false;  // the commit has inserted everything: what comes now is inserted at once
};

// Never destroyed: static destructors would run after the backend's own cleanup.
Queue& Current() {
  static Queue* const queue = new Queue;
  return *queue;
}

void MarkSubtransaction() {
  const int nest = GetCurrentTransactionNestLevel();
  Enter([&]() -> Result<void> {
    Queue& queue = Current();
    if (nest > 1 && (queue.marks.empty() || queue.marks.back().nest < nest))
      queue.marks.push_back({nest, EndOf(queue.log), queue.inserted});
    return {};
  });
}

uint32 TargetNumber(const Target& target) {
  return Enter([&]() -> Result<uint32> {
    std::vector<Target>& targets = Current().targets;
    for (size_t i = targets.size(); i > 0; --i) {
      if (targets[i - 1] == target) return static_cast<uint32>(i - 1);
    }
    targets.push_back(target);
    return static_cast<uint32>(targets.size() - 1);
  });
}

// A tuple that stands on its own: values that are stored out of line may be gone when it is read.
MinimalTuple FormTuple(TupleDesc columns, const Datum* values, const bool* nulls) {
  auto* const inlined = static_cast<Datum*>(palloc(sizeof(Datum) * columns->natts));
  for (int i = 0; i < columns->natts; ++i) {
    inlined[i] = values[i];
    if (nulls[i] || TupleDescAttr(columns, i)->attlen != -1) continue;
    auto* const value = reinterpret_cast<struct varlena*>(DatumGetPointer(values[i]));
    if (VARATT_IS_EXTERNAL(value)) inlined[i] = PointerGetDatum(detoast_external_attr(value));
  }
  return FormMinimalTuple(columns, inlined, const_cast<bool*>(nulls));
}

// The part of the log that one flush inserts. What is queued meanwhile stands behind it.
struct Span {
  LogPlace first;
  LogPlace last;
};

// Calls `found` with each row of the span that goes into this ledger.
template <class Found>
void ForEachRow(const Span& span, Oid ledger, Found&& found) {
  for (LogPlace place = span.first; place < span.last;) {
    LoggedRow row;
    place = ReadRow(Current().log, place, &row);
    const Target target = Current().targets[row.tag];
    if (target.ledger == ledger) found(row.tuple, target.inserter);
  }
}

// In order of oid: the order in which every backend locks them.
List* LedgersOf(const Span& span) {
  List* ledgers = NIL;
  for (LogPlace place = span.first; place < span.last;) {
    LoggedRow row;
    place = ReadRow(Current().log, place, &row);
    ledgers = list_append_unique_oid(ledgers, Current().targets[row.tag].ledger);
  }
  list_sort(ledgers, list_oid_cmp);
  return ledgers;
}

Relation OpenLedgerAgain(Oid ledger) {
  if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(ledger))) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("a ledger was dropped in the transaction that appended to it"),
                    errhint("Append and drop in two transactions.")));
  }
  return table_open(ledger, RowExclusiveLock);
}

void LockChains(const Span& span, Oid ledger) {
  const Relation relation = OpenLedgerAgain(ledger);
  LedgerRelation* const described = DescribeWholeLedger(relation);
  QueuedChains* const chains = MakeQueuedChains(described);
  TupleTableSlot* const slot =
      MakeSingleTupleTableSlot(RelationGetDescr(relation), &TTSOpsMinimalTuple);
  ForEachRow(span, ledger, [&](MinimalTuple row, const UserScope&) {
    ExecStoreMinimalTuple(row, slot, false);
    AddChainOfRow(chains, slot);
  });
  ExecDropSingleTupleTableSlot(slot);
  OpenQueuedChains(chains);
  table_close(relation, NoLock);
}

void InsertRows(const Span& span, Oid ledger) {
  const Relation relation = OpenLedgerAgain(ledger);
  RowInserter* const inserter = StartInserting(relation);
  ForEachRow(span, ledger,
             [&](MinimalTuple row, const UserScope& as) { InsertRow(inserter, as, row); });
  FinishInserting(inserter);
  table_close(relation, NoLock);
}

void InsertQueued() {
  MarkSubtransaction();
  const Span span{Current().inserted, EndOf(Current().log)};
  const MemoryContext memory =
      AllocSetContextCreate(CurrentMemoryContext, "bulla queue", ALLOCSET_DEFAULT_SIZES);
  const MemoryContext caller = MemoryContextSwitchTo(memory);
  PushActiveSnapshot(GetTransactionSnapshot());
  List* const ledgers = LedgersOf(span);
  ListCell* cell;
  foreach (cell, ledgers) LockChains(span, lfirst_oid(cell));
  Current().inserted = span.last;  // an error takes it back, with what was inserted
  foreach (cell, ledgers) InsertRows(span, lfirst_oid(cell));
  PopActiveSnapshot();
  MemoryContextSwitchTo(caller);
  MemoryContextDelete(memory);
}

}  // namespace

void QueueRow(Relation ledger, const Datum* values, const bool* nulls) {
  RequireMayAppend(ledger);
  Queue& queue = Current();
  if (queue.log == nullptr) queue.log = MakeRowLog();
  MarkSubtransaction();
  const MinimalTuple row = FormTuple(RelationGetDescr(ledger), values, nulls);
  AddRow(queue.log, TargetNumber({RelationGetRelid(ledger), CurrentUser()}), row);
  heap_free_minimal_tuple(row);
  if (!queue.closed) return;
  FlushQueueAndFireDeferred();
  SettleChains();
}

void FlushQueue() {
  while (AnyRowQueued()) InsertQueued();
}

bool AnyRowQueued() noexcept {
  const Queue& queue = Current();
  return queue.log != nullptr && queue.inserted < EndOf(queue.log);
}

void FlushQueueAndFireDeferred() {
  Queue& queue = Current();
  while (AnyRowQueued()) {
    FlushQueue();
    AfterTriggerFireDeferred();
  }
  if (queue.log != nullptr) FreeRowLog(queue.log);
  ForgetQueue();
  queue.closed = true;
}

void EndQueueSubtransaction(bool committed) noexcept {
  Queue& queue = Current();
  const int nest = GetCurrentTransactionNestLevel();
  if (queue.marks.empty() || queue.marks.back().nest < nest) return;
  const Mark found = queue.marks.back();
  queue.marks.pop_back();
  if (!committed) {
    CutLog(queue.log, found.end);
    queue.inserted = found.inserted;
  } else if (nest > 2 && (queue.marks.empty() || queue.marks.back().nest < nest - 1)) {
    queue.marks.push_back({nest - 1, found.end, found.inserted});  // there is room: one was popped
  }
}

void ForgetQueue() noexcept {
  Queue& queue = Current();
  queue.log = nullptr;
  queue.inserted = 0;
  queue.targets.clear();
  queue.marks.clear();
  queue.closed = false;
}

}  // namespace bulla
