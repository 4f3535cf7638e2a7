#include "pg/chain_boundaries.h"

#include "pg/boundary.h"
#include "pg/context_owned.h"
#include "pg/event_lookup.h"

namespace bulla {
namespace {

void Keep(ChainBoundaries* boundaries, const LoggedEvent* event) {
  LeafHash hash;
  if (event->seq <= 0 || !DetailHash(event, "hash", &hash)) return;
  Enter([&]() -> Result<void> {
    ChainBoundary& known = boundaries->by_name[event->chain];
    if (event->seq > known.seq) known = {event->seq, hash, event->occurred_at, event->role};
    return {};
  });
}

}  // namespace

ChainBoundaries* ReadChainBoundaries(const LedgerId& ledger) {
  auto* const boundaries = NewInContext<ChainBoundaries>();
  for (const char* const action : {kPrunedEvent, kDetachedEvent}) {
    ListCell* cell;
    foreach (cell, LastEventOfEachChain(ledger, action)) {
      Keep(boundaries, static_cast<const LoggedEvent*>(lfirst(cell)));
    }
  }
  return boundaries;
}

const ChainBoundary* FindBoundary(const ChainBoundaries* boundaries, const char* chain) {
  const auto found = boundaries->by_name.find(std::string_view(chain));
  return found == boundaries->by_name.end() ? nullptr : &found->second;
}

}  // namespace bulla
