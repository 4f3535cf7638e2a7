// Verification that goes on where the last recorded one ended: what it costs is what is new, and a look at
// the last row of each chain.
#pragma once

extern "C" {
#include "postgres.h"
#include "nodes/pg_list.h"
}

#include "core/chain_tail.h"
#include "pg/chain_boundaries.h"
#include "pg/sealed_leaves.h"
#include "pg/verify_findings.h"
#include "pg/verify_rows.h"

namespace bulla {

// An event of this action says that a chain was verified up to a row: chain, seq, hash.
inline constexpr char kVerifiedEvent[] = "ledger.verified";

// A chain that has rows behind its recorded position, or none recorded yet.
struct GrownChain {
  const char* name;
  int64 first;  // the first row that is new
  ChainHead head;
};

// The chains of a ledger that grew since, a list of GrownChain* in order of name, as the active snapshot sees
// them. Reports `truncated` where a recorded row and all behind it are gone, or rows that were sealed, `rewritten`
// where another row stands in its place, `missing` where none does, and what is wrong with rows that belong to no chain,
// and with trees but for their tiles; nothing else, and no chains, where rows cannot be read: schema_changed. What was
// sealed is read before the snapshot is taken.
List* FindGrownChains(Oid ledger, const SealedLeaves* sealed, ReportFinding report, void* state);

// The same for who verifies the whole ledger besides: reports of it only what that does not.
List* FindGrownChainsOfWhole(Oid ledger, ReportFinding report, void* state);

// Judges the rows of one chain from chain->first to its head, which are gone from `check` afterwards. As the
// active snapshot sees them.
void VerifyChainRows(Oid ledger, const GrownChain* chain, RowCheck* check,
                     const ChainBoundaries* boundaries);

// Judges what is new in these chains, and the triggers. Findings come in the order of verify_findings.h.
// CheckMayRead comes first. Reads as the active snapshot does.
void VerifyGrownChains(Oid ledger, SealedLeaves* sealed, List* chains, ReportFinding report,
                       void* state);

}  // namespace bulla
