// Judges rows as they are read: each against its hash, and, for later, how it links to its neighbours.
#pragma once

extern "C" {
#include "postgres.h"
#include "executor/tuptable.h"
}

#include "core/chain_checks.h"
#include "pg/ledger_relation.h"
#include "pg/recorded_erasures.h"
#include "pg/sealed_leaves.h"
#include "pg/verify_findings.h"

namespace bulla {

// What one process does of a verification.
struct RowCheck {
  int64
      first;  // rows of each chain that are judged, by seq; the one before is looked at for its hash
  int64 last;
  ReportFinding report;
  void* report_state;
  ChainChecks* chains;
  MemoryContext row_memory;
  // Called every kRowsPerTick rows with how many these were.
  void (*tick)(RowCheck* check, int64 rows);
  void* tick_state;
  int64 rows;
  int64 erased;                // values
  RecordedErasures* erasures;  // null before the first one
  SealedLeaves* sealed;        // what to compare with; null for nothing
  int64 ticked;                // of `rows`, those that tick was told of
};
inline constexpr int64 kRowsPerTick = 1'024;

// Made in the current memory context.
RowCheck* NewRowCheck(int64 first, int64 last, ReportFinding report, void* state);

// One row; `check` is a RowCheck. Can be cancelled.
void CheckRow(LedgerRelation* leaf, TupleTableSlot* row, void* check);

// Tells tick of the rows it was not told of.
void EndRows(RowCheck* check);

}  // namespace bulla
