// Changing the values of a protected column that stand in the table already, a few rows at a time.
#pragma once

extern "C" {
#include "postgres.h"
#include "storage/itemptr.h"
}

#include "pg/cell_relation.h"

namespace bulla {

// Which values: those that are not sealed, or those that are sealed under a version which is not the primary
// one, and not destroyed.
enum class StaleCells { kPlaintext, kOlderVersions };

// An SQL condition on a row of a table named t, palloc'd. Raises what RequireKeyName raises.
const char* StaleCondition(const Cell* cell, StaleCells stale);

struct ChangedCells {
  int64 rows;
  bool more;  // there may be others behind `last`
  ItemPointerData last;
};

// Seals or re-encrypts, by the sealing trigger, up to `most` values of one table that stand behind `after` and
// are stale. Rows that others have locked are passed over unless `wait`. Connected to SPI; raises what the
// triggers of the table raise.
ChangedCells ChangeCells(Oid leaf, Cell* cell, StaleCells stale, ItemPointerData after, int32 most,
                         bool wait);

}  // namespace bulla
