// Rows in the order they came, in memory up to work_mem and in a temporary file beyond it. What came last
// can be taken back at any time, as the rollback of a savepoint does.
#pragma once

extern "C" {
#include "postgres.h"
#include "access/htup.h"
}

namespace bulla {

struct RowLog;

// Lives until it is freed or the transaction ends, whatever subtransaction it is made in. A transaction
// that commits must have freed it.
RowLog* MakeRowLog();
void FreeRowLog(RowLog* log);

// A place in the log: the beginning of a row, or the end.
using LogPlace = uint64;
LogPlace EndOf(const RowLog* log) noexcept;

// Adds a row under a tag of the caller's. Raises what writing a temporary file raises, with nothing added.
void AddRow(RowLog* log, uint32 tag, MinimalTuple row);

// Forgets all rows from this place on.
void CutLog(RowLog* log, LogPlace end) noexcept;

// The row at a place before the end, valid until the log is used again. Returns the place after it.
struct LoggedRow {
  uint32 tag;
  MinimalTuple tuple;
};
LogPlace ReadRow(RowLog* log, LogPlace place, LoggedRow* row);

}  // namespace bulla
