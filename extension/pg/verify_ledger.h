// Checks a ledger as it stands in the table: each row against its hash, each link, and the triggers.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "core/chain_tail.h"

namespace bulla {

// One thing that is wrong. Pointers are valid during the report only.
struct Finding {
  const char* chain;    // null where the ledger as a whole is meant
  const int64* seq;     // null where no row is meant
  const char* verdict;  // altered, relinked, missing, duplicate, unprotected
  const char* detail;
};
using ReportFinding = void (*)(const Finding& finding, void* state);

struct VerifyRange {
  const char* chain;  // null for all chains
  int64 first;        // of each chain
  int64 last;
};
inline constexpr VerifyRange kWholeLedger{nullptr, 0, PG_INT64_MAX};

struct Verified {
  int64 rows;
  int64 chains;
  ChainHead head;  // of the chain, where there is one only
};

// Reads only, what is committed now and this transaction's own; can be cancelled; works on a standby. CheckMayRead comes
// first. What it read is flushed before it returns. Findings come in
// no particular order.
Verified VerifyLedger(Oid ledger, const VerifyRange& range, ReportFinding report, void* state);

// The part that looks at triggers (verify_protection.cpp).
void VerifyProtection(Oid ledger, ReportFinding report, void* state);

// Raises insufficient_privilege unless the current user may SELECT all rows, undefined_table where there
// is no such table.
void CheckMayRead(Oid ledger);

}  // namespace bulla
