// Checks a ledger as it stands in the table: each row against its hash, each link, and the triggers.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "core/chain_tail.h"
#include "pg/verify_findings.h"

namespace bulla {

struct VerifyRange {
  const char* chain;  // null for all chains
  int64 first;        // of each chain
  int64 last;
};
inline constexpr VerifyRange kWholeLedger{nullptr, 0, PG_INT64_MAX};

struct Verified {
  int64 rows;
  int64 erased;  // values that bulla.erase removed
  int64 chains;
  ChainHead head;  // of the chain, where there is one only
};

// Reads only, what is committed now and this transaction's own; can be cancelled; works on a standby; uses
// parallel workers where no chain is named. CheckMayRead comes first. What it read is flushed before it
// returns. Findings come in the order of verify_findings.h.
Verified VerifyLedger(Oid ledger, const VerifyRange& range, ReportFinding report, void* state);

// The part that looks at triggers (verify_protection.cpp).
void VerifyProtection(Oid ledger, ReportFinding report, void* state);

// False where rows of the ledger cannot be read for what its columns are now: reports that as schema_changed.
bool CanReadRows(Oid ledger, ReportFinding report, void* state);

// Reports as schema_changed what differs between the columns that records cover and those that bulla.events
// tells of, since the ledger was created. Where there are no events of the ledger there is nothing to compare.
void VerifySchema(Oid ledger, ReportFinding report, void* state);

// Of bulla.events and bulla.heads: reports as `lost`, at the row that tells of it first, each ledger that is not in this
// database any more, and of which bulla.events does not say that it was dropped. Of other ledgers nothing.
void VerifyLostLedgers(Oid ledger, ReportFinding report, void* state);

// Raises insufficient_privilege unless the current user may SELECT all rows, undefined_table where there
// is no such table.
void CheckMayRead(Oid ledger);

}  // namespace bulla
