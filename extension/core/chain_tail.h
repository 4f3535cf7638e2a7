// The rows that one open transaction appends to one chain, between the chain's committed head and its
// commit. Keeps the chain gapless: a row is drawn before PostgreSQL decides whether it is inserted at
// all, confirmed when it was, and what was drawn in vain is drawn again or refused, never left out.
#pragma once

#include <cstdint>
#include <vector>

#include "core/record.h"
#include "core/result.h"

namespace bulla {

// The last row of a chain; seq -1 and a zero hash where there is none yet.
struct ChainHead {
  int64_t seq = -1;
  LeafHash hash;
  bool operator==(const ChainHead&) const = default;
};

// `statement` is the depth of open INSERT statements on the ledger (a statement may run another, by a
// function or a trigger), `nest` PostgreSQL's subtransaction level. Both only ever grow by nesting.
class ChainTail {
 public:
  explicit ChainTail(const ChainHead& committed) : committed_(committed) {}

  // What the next row follows.
  ChainHead head() const { return runs_.empty() ? committed_ : runs_.back().last; }
  bool empty() const { return runs_.empty(); }

  // The row at head().seq + 1, with this hash, is about to be inserted.
  void Draw(uint32_t statement, uint32_t nest, const LeafHash& hash);

  // Whether this seq was drawn and not taken back.
  bool Drew(int64_t seq) const { return !empty() && seq > committed_.seq && seq <= head().seq; }

  // It was inserted, as this row that links to this prev_hash; Drew(row.seq) holds. False when that is
  // not what was drawn: somebody changed the row in between. kFailedPrecondition when it is not the
  // next of its statement: a row before it was drawn and then skipped, so its place would stay empty.
  Result<bool> Confirm(const ChainHead& row, const LeafHash& prev_hash);

  // The statement is over: rows it drew last and did not insert are taken back. kFailedPrecondition
  // when a skipped row has successors.
  Result<void> EndStatement(uint32_t statement);

  // Before commit or prepare, when all statements are over: the same for every statement.
  Result<void> Settle() { return EndStatement(0); }

  // A subtransaction became part of its parent, or was rolled back with all it appended.
  void CommitSubtransaction(uint32_t nest);
  void AbortSubtransaction(uint32_t nest);

 private:
  // Consecutive rows of one statement in one subtransaction.
  struct Run {
    int64_t first;
    ChainHead last;       // drawn
    ChainHead confirmed;  // seq first - 1 when none is
    uint32_t statement;
    uint32_t nest;
    bool settled() const { return confirmed.seq == last.seq; }
  };
  void Coalesce();

  ChainHead committed_;
  std::vector<Run> runs_;  // in order of seq, without gaps
};

}  // namespace bulla
