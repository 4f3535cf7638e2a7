#include "pg/cell_counts.h"

extern "C" {
#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
}

#include "pg/event_log.h"
#include "pg/ledger_relation.h"
#include "pg/uuid_ids.h"

namespace bulla {
namespace {

// In TopTransactionContext: gone with the transaction, which clears `first` before.
struct Count {
  Oid table;
  CellId id;
  NameData column;
  LeftBecause because;
  int nest_level;
  int64 values;
  Count* next;
};

Count* first = nullptr;

void Tell(const Count& count) {
  const char* const table = get_rel_name(count.table) != nullptr ? QualifiedName(count.table) : "?";
  if (count.because == LeftBecause::kDestroyed) {
    RecordEvent("column.values_left", EventDetail()
                                          .Text("table", table)
                                          .Text("column", NameStr(count.column))
                                          .Text("protection", IdText(count.id))
                                          .Text("reason", "key version destroyed")
                                          .Number("count", count.values));
    return;
  }
  ereport(WARNING,
          (errmsg("%lld sealed values of column \"%s\" of %s were left as they came, unopened",
                  static_cast<long long>(count.values), NameStr(count.column), table),
           errdetail("bulla.restore is on.")));
}

void OnTransactionEvent(XactEvent event, void*) {
  switch (event) {
    case XACT_EVENT_PRE_COMMIT:
    case XACT_EVENT_PRE_PREPARE:
      while (first != nullptr) {
        const Count* const count = first;
        first = first->next;
        Tell(*count);
      }
      break;
    case XACT_EVENT_ABORT:
      first = nullptr;
      break;
    default:
      break;
  }
}

void OnSubtransactionEvent(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
  const int level = GetCurrentTransactionNestLevel();
  for (Count** at = &first; *at != nullptr;) {
    Count* const count = *at;
    if (event == SUBXACT_EVENT_ABORT_SUB && count->nest_level >= level) {
      *at = count->next;
      continue;
    }
    if (event == SUBXACT_EVENT_COMMIT_SUB && count->nest_level >= level)
      count->nest_level = level - 1;
    at = &count->next;
  }
}

}  // namespace

void CountLeft(const Cell* cell, LeftBecause because) {
  const int level = GetCurrentTransactionNestLevel();
  for (Count* count = first; count != nullptr; count = count->next) {
    if (count->table == cell->root && count->id == cell->id && count->because == because &&
        count->nest_level == level) {
      ++count->values;
      return;
    }
  }
  auto* const count =
      static_cast<Count*>(MemoryContextAllocZero(TopTransactionContext, sizeof(Count)));
  count->table = cell->root;
  count->id = cell->id;
  namestrcpy(&count->column, cell->column);
  count->because = because;
  count->nest_level = level;
  count->values = 1;
  count->next = first;
  first = count;
}

void WatchCellCounts() {
  RegisterXactCallback(OnTransactionEvent, nullptr);
  RegisterSubXactCallback(OnSubtransactionEvent, nullptr);
}

}  // namespace bulla
