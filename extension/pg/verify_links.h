// Judges how the rows that were read link to each other, once all of them were.
#pragma once

#include "pg/chain_boundaries.h"
#include "pg/verify_rows.h"

namespace bulla {

// Reports what is missing, duplicate or relinked in the range of `check`, of each chain it met. A chain may
// begin with seq 0, or where its boundary says; rows before a boundary are judged too where there are any.
void ReportLinks(const RowCheck* check, const ChainBoundaries* boundaries);

// Reports as missing the chains that a boundary tells of and that were not met: pruning leaves each chain its
// last row.
void ReportLostChains(const RowCheck* check, const ChainBoundaries* boundaries);

// Of a part that was detached: reports as truncated the chains that do not end where the ledger's boundary
// says that the part ended.
void ReportShortParts(const RowCheck* check, const ChainBoundaries* boundaries);

}  // namespace bulla
