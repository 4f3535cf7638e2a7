#include "pg/chain_boundaries.h"

#include <algorithm>

#include "pg/boundary.h"
#include "pg/context_owned.h"
#include "pg/event_log.h"
#include "pg/event_lookup.h"
#include "pg/ledger_relation.h"
#include "pg/uuid_ids.h"

namespace bulla {
namespace {

void Keep(ChainBoundaries* boundaries, const LoggedEvent* event) {
  LeafHash hash;
  if (event->chain == nullptr || event->seq <= 0 || !DetailHash(event, "hash", &hash)) return;
  Enter([&]() -> Result<void> {
    boundaries->by_name[event->chain].push_back(
        {event->seq, hash, event->occurred_at, event->number});
    return {};
  });
}

bool ComesBefore(const ChainBoundary& a, const ChainBoundary& b) { return a.seq < b.seq; }

}  // namespace

ChainBoundaries* ReadChainBoundaries(const LedgerId& ledger) {
  auto* const boundaries = NewInContext<ChainBoundaries>();
  for (const char* const action : {kPrunedEvent, kDetachedEvent}) {
    ListCell* cell;
    foreach (cell, AllEvents(ledger, action))
      Keep(boundaries, static_cast<const LoggedEvent*>(lfirst(cell)));
  }
  for (auto& [chain, list] : boundaries->by_name) std::sort(list.begin(), list.end(), ComesBefore);
  return boundaries;
}

const ChainBoundary* FindBoundary(const ChainBoundaries* boundaries, const char* chain, int64 seq) {
  const auto found = boundaries->by_name.find(std::string_view(chain));
  if (found == boundaries->by_name.end()) return nullptr;
  const auto after = std::upper_bound(found->second.begin(), found->second.end(),
                                      ChainBoundary{seq, {}, 0, 0}, ComesBefore);
  return after == found->second.begin() ? nullptr : &*std::prev(after);
}

void RecordBoundary(const char* action, Oid ledger, const char* part, const char* chain,
                    int64 last_seq, const LeafHash& last_hash, int64 rows) {
  EventDetail detail;
  detail.Text("ledger", QualifiedName(ledger)).Text("ledger_id", IdText(IdOfLedger(ledger)));
  if (part != nullptr) detail.Text("partition", part);
  detail.Text("chain", chain)
      .Number("seq", last_seq + 1)
      .Bytes("hash", last_hash.bytes.data(), last_hash.bytes.size())
      .Number("rows", rows);
  RecordEvent(action, detail);
}

}  // namespace bulla
