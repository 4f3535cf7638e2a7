#include "pg/verify_epochs.h"

extern "C" {
#include "utils/builtins.h"
#include "utils/timestamp.h"
}

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "pg/boundary.h"
#include "pg/context_owned.h"
#include "pg/event_lookup.h"
#include "pg/heads_ledger.h"
#include "pg/restore_loss.h"
#include "pg/restore_rows.h"
#include "pg/tile_rows.h"
#include "pg/verify_trees.h"

namespace bulla {
namespace {

// What is known of one epoch of the ledger.
struct EpochTotals {
  const RestoreRow* restore = nullptr;
  const LoggedEvent* event = nullptr;  // one of them
  int64 trees = 0;
  int64 short_trees = 0;  // those that lost something
  int64 lost_rows = 0;
};

struct EpochCheck {
  const char* chain;
  bool tiles;
  ReportFinding report;
  void* state;
  const TreeRow* before = nullptr;  // the tree read last
  std::map<int32, EpochTotals> epochs;
  // By chain and epoch. What a tree was found for is taken out.
  std::map<std::pair<std::string, int32>, const LoggedEvent*> events;
};

void Report(const EpochCheck* check, const char* chain, const int64* seq, const char* verdict,
            const char* detail) {
  check->report({chain, seq, verdict, detail}, check->state);
}

EpochTotals* TotalsOf(EpochCheck* check, int32 epoch) {
  return Enter([&]() -> Result<EpochTotals*> { return &check->epochs[epoch]; });
}

bool IsAskedFor(const EpochCheck* check, const char* chain) {
  return check->chain == nullptr || strcmp(check->chain, chain) == 0;
}

void KeepRestore(const RestoreRow& restore, void* state) {
  auto* const kept = static_cast<RestoreRow*>(palloc(sizeof(RestoreRow)));
  *kept = restore;
  TotalsOf(static_cast<EpochCheck*>(state), restore.epoch)->restore = kept;
}

// Of a chain of which nothing is here but what was told of it.
void ReportLostChain(EpochCheck* check, const LoggedEvent* event, int32 epoch) {
  const int64 rows = DetailNumber(event, "published_size", 0);
  EpochTotals* const totals = TotalsOf(check, epoch);
  ++totals->trees;
  ++totals->short_trees;
  totals->lost_rows += rows;
  if (check->chain != nullptr) return;
  const char* const id = DetailText(event, "chain_id");
  Report(check, nullptr, nullptr, kRestoredVerdict,
         psprintf("epoch %d has nothing of the chain with the id %s, of which " INT64_FORMAT
                  " rows had been published",
                  epoch, id == nullptr ? "?" : id, rows));
}

void KeepEvents(const LedgerId& ledger, EpochCheck* check) {
  ListCell* cell;
  foreach (cell, AllEvents(ledger, kRestoredEvent)) {
    const auto* const event = static_cast<const LoggedEvent*>(lfirst(cell));
    const auto epoch = static_cast<int32>(DetailNumber(event, "epoch", 0));
    TotalsOf(check, epoch)->event = event;
    if (event->chain == nullptr) {
      ReportLostChain(check, event, epoch);
      continue;
    }
    Enter([&]() -> Result<void> {
      check->events[{event->chain, epoch}] = event;
      return {};
    });
  }
}

const LoggedEvent* TakeEvent(EpochCheck* check, const TreeRow& tree) {
  return Enter([&]() -> Result<const LoggedEvent*> {
    const auto found = check->events.find({tree.chain, tree.epoch});
    if (found == check->events.end()) return nullptr;
    const LoggedEvent* const event = found->second;
    check->events.erase(found);
    return event;
  });
}

// Whether bulla.heads tells of another tree in the place of this one, which does not grow any more, or of a larger one.
bool HeadsContradict(const TreeRow& tree) {
  return OidIsValid(HeadsLedger()) && !IsOfHeads(tree) &&
         AnyHead(tree,
                 "h.size OPERATOR(pg_catalog.>=) $4 AND NOT (h.size OPERATOR(pg_catalog.=) $4 AND "
                 "h.root OPERATOR(pg_catalog.=) $5)");
}

// A tree that ended has to be what it was.
void CheckEnded(const EpochCheck* check, const TreeRow& tree, bool shares_tiles) {
  NodeHash root;
  const char* fault = nullptr;
  if (!NoteTellsOf(tree)) {
    fault = "its checkpoint in bulla.trees is not one of the tree beside it";
  } else if (!FindRoot(tree.tiles, tree.size, &root) || root != tree.root) {
    fault = "its tiles in bulla.tiles do not lead to the root that was signed";
  } else if (HeadsContradict(tree)) {
    fault = "bulla.heads tells of another tree";
  } else if (check->tiles && !shares_tiles) {
    fault = FaultOfTiles(tree);
  }
  if (fault != nullptr)
    Report(check, tree.chain, nullptr, "rewritten", psprintf("epoch %d: %s", tree.epoch, fault));
}

// The tree has to begin with as many leaves of the one before as it says.
void CheckBeginning(const EpochCheck* check, const TreeRow& before, const TreeRow& tree) {
  const TreeSize common = std::min(tree.common, before.size);
  NodeHash of_before;
  NodeHash of_tree;
  if (FindRoot(before.tiles, common, &of_before) && FindRoot(tree.tiles, common, &of_tree) &&
      of_before == of_tree)
    return;
  Report(check, tree.chain, nullptr, "rewritten",
         psprintf("epoch %d does not begin with the first " INT64_FORMAT " rows of epoch %d",
                  tree.epoch, static_cast<int64>(common.value), before.epoch));
}

// What bulla.events says has to fit the trees.
void CheckEvent(const EpochCheck* check, const LoggedEvent* event, const TreeRow* before,
                const TreeRow& tree) {
  const char* const old_origin = DetailText(event, "old_origin");
  const bool same_before =
      before == nullptr
          ? old_origin == nullptr
          : old_origin != nullptr && strcmp(old_origin, before->origin) == 0 &&
                DetailNumber(event, "sealed_size", -1) == static_cast<int64>(before->size.value);
  if (same_before &&
      DetailNumber(event, "common_size", -1) == static_cast<int64>(tree.common.value))
    return;
  Report(check, tree.chain, nullptr, "rewritten",
         psprintf("bulla.events tells otherwise of how epoch %d began", tree.epoch));
}

void TellLoss(EpochCheck* check, const LoggedEvent* event, const TreeRow* before,
              const TreeRow& tree) {
  const int64 published = event == nullptr ? 0 : DetailNumber(event, "published_size", 0);
  const int64 sealed = Max(before == nullptr ? 0 : static_cast<int64>(before->size.value),
                           event == nullptr ? 0 : DetailNumber(event, "sealed_size", 0));
  const auto common = static_cast<int64>(tree.common.value);
  const char* const contradicts = event == nullptr ? nullptr : DetailText(event, "contradicts");
  const bool other = contradicts != nullptr && strcmp(contradicts, "true") == 0;
  const int64 known = Max(sealed, published);
  EpochTotals* const totals = TotalsOf(check, tree.epoch);
  ++totals->trees;
  if (known <= common && !other) return;
  ++totals->short_trees;
  totals->lost_rows += Max(known - common, 0);
  if (!IsAskedFor(check, tree.chain)) return;
  const char* text =
      psprintf("of " INT64_FORMAT
               " rows that are known to have been sealed before epoch %d, the first " INT64_FORMAT
               " are here",
               known, tree.epoch, common);
  if (other) {
    text = psprintf("%s; the log has signed another tree of " INT64_FORMAT " rows too", text,
                    published);
  }
  Report(check, tree.chain, &common, kRestoredVerdict, text);
}

void CheckTree(const TreeRow& tree, void* state) {
  auto* const check = static_cast<EpochCheck*>(state);
  const TreeRow* before = check->before;
  if (before != nullptr && strcmp(before->chain_id, tree.chain_id) != 0) before = nullptr;
  auto* const kept = static_cast<TreeRow*>(palloc(sizeof(TreeRow)));
  *kept = tree;
  check->before = kept;
  if (tree.epoch == 0) return;
  const LoggedEvent* const event = TakeEvent(check, tree);
  TellLoss(check, event, before, tree);
  if (!IsAskedFor(check, tree.chain)) return;
  if (before != nullptr) {
    CheckEnded(check, *before, memcmp(&before->tiles, &tree.tiles, sizeof tree.tiles) == 0);
    CheckBeginning(check, *before, tree);
  }
  if (event != nullptr) CheckEvent(check, event, before, tree);
}

void ReportTreesThatAreGone(EpochCheck* check) {
  for (const auto& [of, event] : check->events) {
    const int64 lost =
        Max(DetailNumber(event, "sealed_size", 0), DetailNumber(event, "published_size", 0)) -
        DetailNumber(event, "common_size", 0);
    EpochTotals* const totals = TotalsOf(check, of.second);
    ++totals->trees;
    totals->short_trees += lost > 0;
    totals->lost_rows += Max(lost, 0);
    if (!IsAskedFor(check, event->chain)) continue;
    Report(
        check, event->chain, nullptr, "rewritten",
        psprintf("bulla.events tells of epoch %d, whose tree is gone from bulla.trees", of.second));
  }
}

// bulla.events before bulla.restores, of which nobody would see that it was changed.
const char* TextOfEpoch(int32 epoch, const EpochTotals& totals) {
  const char* reason = totals.event == nullptr ? nullptr : DetailText(totals.event, "reason");
  if (reason == nullptr && totals.restore != nullptr) reason = totals.restore->reason;
  const TimestampTz at = totals.event != nullptr     ? totals.event->occurred_at
                         : totals.restore != nullptr ? totals.restore->recorded_at
                                                     : 0;
  const char* const text =
      reason == nullptr
          ? psprintf("epoch %d was opened by a restore of which nothing is recorded any more",
                     epoch)
          : psprintf("epoch %d was opened by a restore that was recorded at %s: %s", epoch,
                     timestamptz_to_str(at), reason);
  if (totals.short_trees == 0) return psprintf("%s; no row is known to have been lost", text);
  return psprintf("%s; " INT64_FORMAT " of " INT64_FORMAT
                  " chains do not have all that was published: " INT64_FORMAT
                  " rows are known to be lost",
                  text, totals.short_trees, totals.trees, totals.lost_rows);
}

EpochCheck* CheckEpochs(const LedgerId& ledger, const char* chain, bool tiles, ReportFinding report,
                        void* state) {
  auto* const check = NewInContext<EpochCheck>();
  check->chain = chain;
  check->tiles = tiles;
  check->report = report;
  check->state = state;
  // In this order: a restore that is recorded meanwhile has its trees before its row is looked for, and they before events.
  KeepEvents(ledger, check);
  ReadTrees(ledger, CheckTree, check);
  ReadRestores(ledger, KeepRestore, check);
  return check;
}

void DropFinding(const Finding&, void*) {}

}  // namespace

void VerifyEpochs(const LedgerId& ledger, const char* chain, bool tiles, ReportFinding report,
                  void* state) {
  EpochCheck* const check = CheckEpochs(ledger, chain, tiles, report, state);
  ReportTreesThatAreGone(check);
  for (const auto& [epoch, totals] : check->epochs)
    Report(check, nullptr, nullptr, kRestoredVerdict, TextOfEpoch(epoch, totals));
}

List* RestoresOf(const LedgerId& ledger) {
  const EpochCheck* const check = CheckEpochs(ledger, nullptr, false, DropFinding, nullptr);
  List* texts = NIL;
  for (const auto& [epoch, totals] : check->epochs)
    texts = lappend(texts, const_cast<char*>(TextOfEpoch(epoch, totals)));
  return texts;
}

}  // namespace bulla
