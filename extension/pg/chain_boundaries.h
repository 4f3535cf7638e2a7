// Where chains begin that do not begin with seq 0 any more, because rows were pruned or went away with a
// detached partition: what bulla.events says of it. It counts as far as bulla.events itself verifies.
#pragma once

extern "C" {
#include "postgres.h"
#include "utils/timestamp.h"
}

#include <map>
#include <string>

#include "core/record.h"

namespace bulla {

inline constexpr char kPrunedEvent[] = "ledger.pruned";
inline constexpr char kDetachedEvent[] = "ledger.partition_detached";

struct ChainBoundary {
  int64 seq;      // the first row that was kept
  LeafHash hash;  // of the row before it, which its prev_hash must be
  TimestampTz recorded_at;
  std::string recorded_by;
};

// The highest boundary of each chain that has one, by the chain's name.
struct ChainBoundaries {
  std::map<std::string, ChainBoundary, std::less<>> by_name;
};

// In the current memory context.
ChainBoundaries* ReadChainBoundaries(const LedgerId& ledger);

// nullptr where the chain has none.
const ChainBoundary* FindBoundary(const ChainBoundaries* boundaries, const char* chain);

}  // namespace bulla
