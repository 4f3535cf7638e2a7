// Where chains begin that do not begin with seq 0 any more, because rows were pruned or went away with a
// detached partition: what bulla.events says of it. It counts as far as bulla.events itself verifies.
#pragma once

extern "C" {
#include "postgres.h"
#include "utils/timestamp.h"
}

#include <map>
#include <string>
#include <vector>

#include "core/record.h"

namespace bulla {

inline constexpr char kPrunedEvent[] = "ledger.pruned";
inline constexpr char kDetachedEvent[] = "ledger.partition_detached";

struct ChainBoundary {
  int64 seq;      // the first row that was kept
  LeafHash hash;  // of the row before it, which its prev_hash must be
  TimestampTz recorded_at;
  int64 event_seq;  // of the event in bulla.events
};

// All boundaries of each chain that has some, in order of seq, by the chain's name.
struct ChainBoundaries {
  std::map<std::string, std::vector<ChainBoundary>, std::less<>> by_name;
};

// In the current memory context.
ChainBoundaries* ReadChainBoundaries(const LedgerId& ledger);

// The last boundary of the chain at or before this seq; nullptr where there is none.
const ChainBoundary* FindBoundary(const ChainBoundaries* boundaries, const char* chain,
                                  int64 seq = PG_INT64_MAX);

// Records one, as the last row that goes: its seq and hash. `action` is one of those above; `part` is the name of
// the partition that goes, or nullptr.
void RecordBoundary(const char* action, Oid ledger, const char* part, const char* chain,
                    int64 last_seq, const LeafHash& last_hash, int64 rows);

}  // namespace bulla
