// What the processes of one verification share. Each takes pages of the same scans; what workers find goes to the
// leader (verify_parallel.cpp) through a queue as they find it, what they know of the chains when they are through.
#pragma once

extern "C" {
#include "postgres.h"
#include "port/atomics.h"
}

#include "pg/verify_rows.h"

namespace bulla {

// What stands where in the table of contents of the shared memory: a Work, the tables' scans one after the
// other, a queue of kVerifyQueueSize bytes for each worker.
enum VerifyKey : uint64 { kVerifyWork = 1, kVerifyScans = 2, kVerifyQueues = 3 };
inline constexpr Size kVerifyQueueSize = 64 * 1'024;

struct VerifyWork {
  int64 first;
  int64 last;
  bool sealed;            // compare with the trees of the ledger
  pg_atomic_uint64 rows;  // that workers have judged
  int count;
  Oid tables[FLEXIBLE_ARRAY_MEMBER];
};

// The first byte of each message. Behind it stand
// - of a finding: flags, 1 for a chain and 2 for a seq; seq as int64; chain, verdict and detail, each with its zero;
// - of chains: a part of ChainChecks::WriteInParts;
// - at the end: how many rows the worker judged, how many of their values were erased, both int64.
enum VerifyMessage : char { kFindingMessage = 'F', kChainsMessage = 'C', kDoneMessage = 'D' };

// Judges what is left to this process of the scans, which stand one after the other.
void CheckShares(RowCheck* check, const VerifyWork* work, char* scans);

}  // namespace bulla
