#include "pg/verify_links.h"

extern "C" {
#include "miscadmin.h"
}

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "pg/boundary.h"
#include "pg/context_owned.h"

namespace bulla {
namespace {

const char* LinkDetail(const LinkFinding& finding) {
  switch (finding.verdict) {
    case LinkVerdict::kRelinked:
      return finding.first == 0 ? "the first row has a prev_hash"
                                : "prev_hash is not the hash of the row before";
    case LinkVerdict::kDuplicate:
      return "another row has the same seq";
    case LinkVerdict::kMissing:
      break;
  }
  return finding.first == finding.last
             ? "the row is not there"
             : psprintf("%lld rows are not there, up to seq %lld",
                        static_cast<long long>(finding.last - finding.first + 1),
                        static_cast<long long>(finding.last));
}

const char* VerdictName(LinkVerdict verdict) {
  switch (verdict) {
    case LinkVerdict::kRelinked:
      return "relinked";
    case LinkVerdict::kMissing:
      return "missing";
    case LinkVerdict::kDuplicate:
      return "duplicate";
  }
  pg_unreachable();
}

struct LinkFindings {
  std::vector<LinkFinding> list;
};

// Where the chain is to begin, in the range that is judged.
int64 Begin(const RowCheck* check, ChainCheck* chain, const ChainBoundaries* boundaries) {
  const int64 lowest = chain->links.lowest();
  const ChainBoundary* const boundary =
      FindBoundary(boundaries, chain->name.c_str(), lowest < 0 ? PG_INT64_MAX : lowest);
  if (boundary == nullptr) return check->first;
  if (lowest == boundary->seq && check->first <= boundary->seq) {
    Enter([&]() -> Result<void> {
      chain->links.AddPredecessor(boundary->seq - 1, boundary->hash);
      return {};
    });
  }
  return Max(check->first, boundary->seq);
}

}  // namespace

void ReportLinks(const RowCheck* check, const ChainBoundaries* boundaries) {
  auto* const findings = NewInContext<LinkFindings>();
  for (auto& [key, state] : *check->chains) {
    ChainCheck* const chain = state.get();
    const int64 first = Begin(check, chain, boundaries);
    Enter([&]() -> Result<void> {
      findings->list = chain->links.Finish(first, std::min(check->last, chain->highest_seq));
      return {};
    });
    for (const LinkFinding& finding : findings->list) {
      CHECK_FOR_INTERRUPTS();
      check->report(
          {chain->name.c_str(), &finding.first, VerdictName(finding.verdict), LinkDetail(finding)},
          check->report_state);
    }
  }
}

void ReportLostChains(const RowCheck* check, const ChainBoundaries* boundaries) {
  struct Names {
    std::set<std::string_view> met;
  };
  auto* const names = NewInContext<Names>();
  Enter([&]() -> Result<void> {
    for (auto& [key, chain] : *check->chains) names->met.insert(chain->name);
    return {};
  });
  for (auto& [name, list] : boundaries->by_name) {
    if (names->met.count(name) != 0) continue;
    check->report({name.c_str(), &list.back().seq, "missing",
                   "no row of the chain is there, though pruning left some"},
                  check->report_state);
  }
}

void ReportShortParts(const RowCheck* check, const ChainBoundaries* boundaries) {
  for (auto& [key, chain] : *check->chains) {
    const ChainHead head = chain->links.head();
    const ChainBoundary* const boundary =
        FindBoundary(boundaries, chain->name.c_str(), head.seq + 1);
    if (boundary != nullptr && boundary->seq == head.seq + 1 && boundary->hash == head.hash)
      continue;
    check->report({chain->name.c_str(), &head.seq, "truncated",
                   "the part did not end with this row when it was detached"},
                  check->report_state);
  }
}

}  // namespace bulla
