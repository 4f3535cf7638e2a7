#include "pg/verify_since.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>

extern "C" {
#include "access/table.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
}

#include "pg/boundary.h"
#include "pg/context_owned.h"
#include "pg/restore_loss.h"
#include "pg/chain_boundaries.h"
#include "pg/chain_heads.h"
#include "pg/event_lookup.h"
#include "pg/ledger_relation.h"
#include "pg/row_record.h"
#include "pg/row_scan.h"
#include "pg/verify_epochs.h"
#include "pg/verify_ledger.h"
#include "pg/verify_links.h"
#include "pg/verify_progress.h"
#include "pg/verify_trees.h"

namespace bulla {
namespace {

struct FoundHash {
  bool found;
  bool same;
  LeafHash expected;
};

void CompareHash(LedgerRelation* leaf, TupleTableSlot* row, void* state) {
  auto* const result = static_cast<FoundHash*>(state);
  slot_getallattrs(row);
  LeafHash hash;
  result->found = true;
  result->same |= !row->tts_isnull[leaf->hash] && ReadHash(row->tts_values[leaf->hash], &hash) &&
                  hash == result->expected;
}

struct Bookmark {
  const char* chain;
  int64 seq;
  LeafHash hash;
  const char* since;
};

void ReportBookmark(const Bookmark& bookmark, const char* verdict, const char* what,
                    ReportFinding report, void* state) {
  report({bookmark.chain, &bookmark.seq, verdict,
          psprintf("%s: it was verified up to here at %s", what, bookmark.since)},
         state);
}

// What of FindGrownChains a run over the whole ledger does not tell.
struct BookmarkFilter {
  ReportFinding report;
  void* state;
};

void ReportUnlessMissing(const Finding& finding, void* state) {
  if (strcmp(finding.verdict, "missing") == 0) return;
  const auto* const filter = static_cast<const BookmarkFilter*>(state);
  filter->report(finding, filter->state);
}

void DropFinding(const Finding&, void*) {}

// The row up to which the chain was verified must still be there, as it was.
void CheckBookmark(Oid ledger, const Bookmark& bookmark, const ChainHead& head,
                   ReportFinding report, void* state) {
  if (head.seq < bookmark.seq) {
    ReportBookmark(bookmark, "truncated", "the last rows of the chain are gone", report, state);
    return;
  }
  FoundHash row{true, head.hash == bookmark.hash, bookmark.hash};
  if (head.seq > bookmark.seq) {
    row.found = row.same = false;
    ScanRows(ledger, ChainOfLedger(ledger, bookmark.chain), bookmark.seq, bookmark.seq,
             GetActiveSnapshot(), CompareHash, &row);
  }
  if (!row.found) {
    ReportBookmark(bookmark, "missing", "the row is not there", report, state);
  } else if (!row.same) {
    ReportBookmark(bookmark, "rewritten", "another row stands in the place of one", report, state);
  }
}

bool ReadBookmark(const LoggedEvent* event, Bookmark* bookmark) {
  *bookmark = {event->chain, event->seq, {}, timestamptz_to_str(event->occurred_at)};
  return event->seq >= 0 && DetailHash(event, "hash", &bookmark->hash);
}

// Recorded restores, each with the first row of the chain that may be another since.
struct Partings {
  struct Parting {
    int64 number;  // of its event
    int64 seq;
  };
  std::multimap<std::string, Parting, std::less<>> by_chain;
};

Partings* ReadPartings(const LedgerId& ledger) {
  auto* const partings = NewInContext<Partings>();
  ListCell* cell;
  foreach (cell, AllEvents(ledger, kRestoredEvent)) {
    const auto* const event = static_cast<const LoggedEvent*>(lfirst(cell));
    if (event->chain == nullptr) continue;
    Enter([&]() -> Result<void> {
      partings->by_chain.insert({event->chain, {event->number, event->seq}});
      return {};
    });
  }
  return partings;
}

// The event that holds: one of a row that was lost later holds no more, and the last one after that does, if there is any.
const LoggedEvent* BookmarkThatHolds(const LedgerId& ledger, const Partings* partings,
                                     const LoggedEvent* event, int64 sealed) {
  int64 since = -1;
  const auto [begin, end] = partings->by_chain.equal_range(std::string_view(event->chain));
  for (auto at = begin; at != end; ++at) {
    if (at->second.number > event->number && at->second.seq <= event->seq)
      since = Max(since, at->second.number);
  }
  if (since < 0) return event;
  const LoggedEvent* const later = FindLastEventAfter(ledger, kVerifiedEvent, event->chain, since);
  return later != nullptr && later->number < sealed ? later : nullptr;
}

List* Grown(List* list, const char* name, int64 first, const ChainHead& head) {
  auto* const chain = static_cast<GrownChain*>(palloc(sizeof(GrownChain)));
  *chain = {name, first, head};
  return lappend(list, chain);
}

// `heads` against what was recorded of each chain.
List* CompareWithBookmarks(Oid ledger, ChainHeads* heads, ReportFinding report, void* state) {
  List* grown = NIL;
  ListCell* cell;
  // Both in byte order of the chains.
  auto head = heads->by_name.begin();
  const auto add_new = [&](const char* before) {
    for (; head != heads->by_name.end() && (before == nullptr || head->first < before); ++head)
      grown = Grown(grown, head->first.c_str(), 0, head->second);
  };
  const LedgerId id = IdOfLedger(ledger);
  const Partings* const partings = ReadPartings(id);
  const int64 sealed = SealedEvents();
  foreach (cell, LastEventOfEachChain(id, kVerifiedEvent, sealed)) {
    CHECK_FOR_INTERRUPTS();
    const LoggedEvent* const event =
        BookmarkThatHolds(id, partings, static_cast<const LoggedEvent*>(lfirst(cell)), sealed);
    Bookmark bookmark;
    if (event == nullptr || !ReadBookmark(event, &bookmark)) continue;
    add_new(bookmark.chain);
    const bool there = head != heads->by_name.end() && head->first == bookmark.chain;
    CheckBookmark(ledger, bookmark, there ? head->second : ChainHead{}, report, state);
    if (!there) continue;
    if (head->second.seq > bookmark.seq)
      grown = Grown(grown, head->first.c_str(), bookmark.seq + 1, head->second);
    ++head;
  }
  add_new(nullptr);
  return grown;
}

}  // namespace

List* FindGrownChains(Oid ledger, const SealedLeaves* sealed, ReportFinding report, void* state) {
  if (!CanReadRows(ledger, report, state)) return NIL;
  // Rows that end no chain are judged now: no range of a chain shows them.
  RowCheck* const others = NewRowCheck(0, PG_INT64_MAX, report, state);
  ChainHeads* const heads = ReadChainHeads(ledger, GetActiveSnapshot(), CheckRow, others);
  const LedgerId id = IdOfLedger(ledger);
  VerifyTrees(id, sealed, {nullptr, nullptr, heads, ReadChainBoundaries(id), false}, report, state);
  return CompareWithBookmarks(ledger, heads, report, state);
}

List* FindGrownChainsOfWhole(Oid ledger, ReportFinding report, void* state) {
  if (!CanReadRows(ledger, DropFinding, nullptr)) return NIL;
  BookmarkFilter filter = {report, state};
  return CompareWithBookmarks(ledger, ReadChainHeads(ledger, GetActiveSnapshot()),
                              ReportUnlessMissing, &filter);
}

void VerifyChainRows(Oid ledger, const GrownChain* chain, RowCheck* check,
                     const ChainBoundaries* boundaries) {
  check->first = chain->first;
  check->last = chain->head.seq;
  // From the chain's beginning also what stands before it.
  ScanRows(ledger, ChainOfLedger(ledger, chain->name),
           chain->first > 0 ? chain->first - 1 : PG_INT64_MIN, chain->head.seq, GetActiveSnapshot(),
           CheckRow, check);
  Enter([&]() -> Result<void> {
    if (check->chains->size() == 0) check->chains->Add({}, chain->name);
    for (auto& [key, state] : *check->chains) state->highest_seq = chain->head.seq;
    return {};
  });
  ReportLinks(check, boundaries);
  check->chains->Clear();
}

void VerifyGrownChains(Oid ledger, SealedLeaves* sealed, List* chains, ReportFinding report,
                       void* state) {
  RowCheck* const check = NewRowCheck(0, 0, report, state);
  check->sealed = sealed;
  const ChainBoundaries* const boundaries = ReadChainBoundaries(IdOfLedger(ledger));
  int64 rows = 0;
  ListCell* cell;
  foreach (cell, chains) {
    const auto* const chain = static_cast<const GrownChain*>(lfirst(cell));
    rows += chain->head.seq - chain->first + 1;
  }
  BeginProgress(check, ledger, rows);
  const MemoryContext memory =
      AllocSetContextCreate(CurrentMemoryContext, "bulla grown chain", ALLOCSET_DEFAULT_SIZES);
  foreach (cell, chains) {
    const MemoryContext caller = MemoryContextSwitchTo(memory);
    VerifyChainRows(ledger, static_cast<const GrownChain*>(lfirst(cell)), check, boundaries);
    MemoryContextSwitchTo(caller);
    MemoryContextReset(memory);
  }
  VerifyEpochs(IdOfLedger(ledger), nullptr, false, report, state);
  VerifyProtection(ledger, report, state);
  VerifySchema(ledger, report, state);
  VerifyLostLedgers(ledger, report, state);
  EndProgress();
}

}  // namespace bulla
