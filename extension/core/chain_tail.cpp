#include "core/chain_tail.h"

#include <algorithm>

namespace bulla {
namespace {

Error Skipped(int64_t seq) {
  return {
      Code::kFailedPrecondition,
      "the row for seq " + std::to_string(seq) + " was not inserted, but rows after it were",
      "ON CONFLICT DO NOTHING, or a trigger that fires after Bulla's and returns NULL, left out a "
      "row in the middle of a statement. Insert the rows in statements of their own, or filter "
      "them first."};
}

}  // namespace

void ChainTail::Draw(uint32_t statement, uint32_t nest, const LeafHash& hash) {
  const ChainHead before = head();
  const ChainHead drawn{before.seq + 1, hash};
  if (!runs_.empty() && runs_.back().statement == statement && runs_.back().nest == nest) {
    runs_.back().last = drawn;
  } else {
    runs_.push_back({drawn.seq, drawn, before, statement, nest});
  }
}

Result<bool> ChainTail::Confirm(const ChainHead& row, const LeafHash& prev_hash) {
  // The rows of a statement are confirmed in the order they were drawn; those of the statements
  // inside it come in between. Nearly always there is one run.
  const auto run = std::partition_point(runs_.begin(), runs_.end(),
                                        [&](const Run& drawn) { return drawn.last.seq < row.seq; });
  if (row.seq != run->confirmed.seq + 1) return Skipped(run->confirmed.seq + 1);
  // Only the last hash of a run is kept: that of an earlier row is checked by the row that links to it.
  const bool as_drawn =
      prev_hash == run->confirmed.hash && (row.seq < run->last.seq || row == run->last);
  run->confirmed = row;
  return as_drawn;
}

Result<void> ChainTail::EndStatement(uint32_t statement) {
  while (!runs_.empty() && runs_.back().statement >= statement && !runs_.back().settled()) {
    Run& run = runs_.back();
    if (run.confirmed.seq < run.first) {
      runs_.pop_back();
    } else {
      run.last = run.confirmed;
    }
  }
  // An outer statement draws nothing while an inner one is open: what is left to judge is at the end.
  for (auto run = runs_.rbegin(); run != runs_.rend() && run->statement >= statement; ++run) {
    if (!run->settled()) return Skipped(run->confirmed.seq + 1);
  }
  Coalesce();
  return {};
}

void ChainTail::CommitSubtransaction(uint32_t nest) {
  for (auto run = runs_.rbegin(); run != runs_.rend() && run->nest >= nest; ++run) {
    run->nest = nest - 1;
  }
  Coalesce();
}

void ChainTail::AbortSubtransaction(uint32_t nest) {
  while (!runs_.empty() && runs_.back().nest >= nest) runs_.pop_back();
}

void ChainTail::Coalesce() {
  while (runs_.size() > 1) {
    Run& into = runs_[runs_.size() - 2];
    const Run& from = runs_.back();
    if (!into.settled() || !from.settled() || into.nest != from.nest) return;
    into.last = into.confirmed = from.last;
    into.statement = from.statement;
    runs_.pop_back();
  }
}

}  // namespace bulla
