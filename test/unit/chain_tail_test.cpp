#include "core/chain_tail.h"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace bulla {
namespace {

LeafHash HashNumber(uint64_t number) {
  LeafHash hash;
  PutU64(hash.bytes.data(), number);
  return hash;
}

ChainHead Row(int64_t seq, uint64_t hash) { return {seq, HashNumber(hash)}; }

// Draws with a hash that tells which draw it was.
void Draw(ChainTail& tail, uint64_t hash, uint32_t statement = 1, uint32_t nest = 1) {
  tail.Draw(statement, nest, HashNumber(hash));
}

// Confirms a row whose hash is `hash`, and that of the row before it hash - 1.
Result<bool> Confirm(ChainTail& tail, int64_t seq, uint64_t hash, uint64_t prev_hash) {
  return tail.Confirm(Row(seq, hash), HashNumber(prev_hash));
}
Result<bool> Confirm(ChainTail& tail, int64_t seq, uint64_t hash) {
  return Confirm(tail, seq, hash, hash - 1);
}

TEST(ChainTailTest, ContinuesBehindTheCommittedHead) {
  ChainTail tail(Row(41, 7));
  EXPECT_EQ(tail.head(), Row(41, 7));
  EXPECT_FALSE(tail.Drew(41));
  Draw(tail, 8);
  EXPECT_EQ(tail.head(), Row(42, 8));
  EXPECT_TRUE(tail.Drew(42));
  EXPECT_FALSE(tail.Drew(43));
}

TEST(ChainTailTest, AnEmptyChainBeginsAtZeroBehindTheZeroHash) {
  ChainTail tail(ChainHead{});
  EXPECT_EQ(tail.head().hash, LeafHash{});
  Draw(tail, 1);
  EXPECT_EQ(tail.head().seq, 0);
}

TEST(ChainTailTest, RowsDrawnLastAndNotInsertedAreTakenBack) {
  ChainTail tail(Row(9, 9));
  Draw(tail, 10);
  Draw(tail, 11);
  Draw(tail, 12);
  ASSERT_TRUE(Confirm(tail, 10, 10).ok());
  ASSERT_TRUE(tail.EndStatement(1).ok());
  EXPECT_EQ(tail.head(), Row(10, 10));
  Draw(tail, 13);
  EXPECT_EQ(tail.head(), Row(11, 13));
}

TEST(ChainTailTest, AStatementThatInsertsNothingLeavesTheCommittedHead) {
  ChainTail tail(Row(9, 9));
  Draw(tail, 10);
  ASSERT_TRUE(tail.EndStatement(1).ok());
  EXPECT_EQ(tail.head(), Row(9, 9));
  EXPECT_TRUE(tail.empty());
}

TEST(ChainTailTest, ASkippedRowWithSuccessorsIsRefusedWhenTheyAreConfirmed) {
  ChainTail tail(Row(9, 9));
  Draw(tail, 10);
  Draw(tail, 11);
  const Result<bool> confirmed = Confirm(tail, 11, 11);
  ASSERT_FALSE(confirmed.ok());
  EXPECT_EQ(confirmed.error().code, Code::kFailedPrecondition);
  EXPECT_NE(confirmed.error().message.find("seq 10"), std::string::npos);
  EXPECT_FALSE(confirmed.error().hint.empty());
}

TEST(ChainTailTest, ARowThatIsNotWhatWasDrawnIsTold) {
  ChainTail tail(Row(9, 9));
  Draw(tail, 10);
  Draw(tail, 11);
  Draw(tail, 12);
  EXPECT_TRUE(Confirm(tail, 10, 10).value());
  EXPECT_TRUE(Confirm(tail, 11, 99, 10).value()) << "told by its successor";
  EXPECT_FALSE(Confirm(tail, 12, 12, 11).value());

  ChainTail changed_last(Row(9, 9));
  Draw(changed_last, 10);
  EXPECT_FALSE(Confirm(changed_last, 10, 99, 9).value());
  ChainTail relinked(Row(9, 9));
  Draw(relinked, 10);
  EXPECT_FALSE(Confirm(relinked, 10, 10, 8).value());
}

TEST(ChainTailTest, ARowIsConfirmedOnce) {
  ChainTail tail(Row(9, 9));
  Draw(tail, 10);
  ASSERT_TRUE(Confirm(tail, 10, 10).ok());
  EXPECT_FALSE(Confirm(tail, 10, 10).ok());
}

TEST(ChainTailTest, AStatementInsideAnotherIsConfirmedFirst) {
  ChainTail tail(Row(-1, 0));
  Draw(tail, 100, 1);
  Draw(tail, 200, 2);
  ASSERT_TRUE(Confirm(tail, 1, 200, 100).ok());
  ASSERT_TRUE(tail.EndStatement(2).ok());
  Draw(tail, 101, 1);
  ASSERT_TRUE(Confirm(tail, 0, 100, 0).ok());
  ASSERT_TRUE(Confirm(tail, 2, 101, 200).ok());
  ASSERT_TRUE(tail.EndStatement(1).ok());
  EXPECT_EQ(tail.head(), Row(2, 101));
}

TEST(ChainTailTest, AnInnerStatementDoesNotTakeBackTheRowsOfTheOuter) {
  ChainTail tail(Row(-1, 0));
  Draw(tail, 100, 1);
  Draw(tail, 200, 2);
  ASSERT_TRUE(tail.EndStatement(2).ok());
  EXPECT_EQ(tail.head(), Row(0, 100));
  ASSERT_TRUE(Confirm(tail, 0, 100, 0).ok());
  ASSERT_TRUE(tail.EndStatement(1).ok());
}

TEST(ChainTailTest, ARolledBackSubtransactionTakesItsRowsWithIt) {
  ChainTail tail(Row(4, 4));
  Draw(tail, 5);
  ASSERT_TRUE(Confirm(tail, 5, 5).ok());
  ASSERT_TRUE(tail.EndStatement(1).ok());
  Draw(tail, 6, 1, 2);
  ASSERT_TRUE(Confirm(tail, 6, 6).ok());
  ASSERT_TRUE(tail.EndStatement(1).ok());
  tail.AbortSubtransaction(2);
  EXPECT_EQ(tail.head(), Row(5, 5));
}

TEST(ChainTailTest, ACommittedSubtransactionIsRolledBackWithItsParent) {
  ChainTail tail(Row(4, 4));
  Draw(tail, 5, 1, 3);
  ASSERT_TRUE(Confirm(tail, 5, 5).ok());
  ASSERT_TRUE(tail.EndStatement(1).ok());
  tail.CommitSubtransaction(3);
  EXPECT_EQ(tail.head(), Row(5, 5));
  tail.AbortSubtransaction(2);
  EXPECT_EQ(tail.head(), Row(4, 4));
}

// The same rules, row by row, without any bookkeeping of runs.
class Oracle {
 public:
  explicit Oracle(const ChainHead& committed) : committed_(committed) {}

  ChainHead head() const { return rows_.empty() ? committed_ : rows_.back().row; }
  void Draw(uint32_t statement, uint32_t nest, const LeafHash& hash) {
    rows_.push_back({{head().seq + 1, hash}, statement, nest, false});
  }
  bool Confirm(int64_t seq) {
    const auto at = static_cast<size_t>(seq - committed_.seq - 1);
    Drawn& row = rows_[at];
    if (row.confirmed) return false;
    if (at > 0) {
      const Drawn& before = rows_[at - 1];
      if (!before.confirmed && before.statement == row.statement && before.nest == row.nest)
        return false;
    }
    row.confirmed = true;
    return true;
  }
  bool EndStatement(uint32_t statement) {
    while (!rows_.empty() && rows_.back().statement >= statement && !rows_.back().confirmed)
      rows_.pop_back();
    return std::all_of(rows_.begin(), rows_.end(), [&](const Drawn& row) {
      return row.confirmed || row.statement < statement;
    });
  }
  void CommitSubtransaction(uint32_t nest) {
    for (Drawn& row : rows_) row.nest = std::min(row.nest, nest - 1);
  }
  void AbortSubtransaction(uint32_t nest) {
    while (!rows_.empty() && rows_.back().nest >= nest) rows_.pop_back();
  }

 private:
  struct Drawn {
    ChainHead row;
    uint32_t statement;
    uint32_t nest;
    bool confirmed;
  };
  ChainHead committed_;
  std::vector<Drawn> rows_;
};

// Runs random transactions as PostgreSQL would: statements inside statements, subtransactions inside
// both, rows that are skipped, and confirmations at the end of each statement.
class Transaction {
 public:
  explicit Transaction(uint32_t seed) : random_(seed) {}

  void Run() {
    for (int i = 0; i < 6 && !failed_; ++i) Step(0, 1);
    if (!failed_) Compare(tail_.Settle().ok(), oracle_.EndStatement(0));
  }

 private:
  struct Inserted {
    ChainHead head;
    LeafHash prev_hash;
  };

  bool Confirmed(const Inserted& row) {
    const Result<bool> confirmed = tail_.Confirm(row.head, row.prev_hash);
    if (confirmed.ok()) {
      EXPECT_TRUE(confirmed.value());
    }
    return confirmed.ok();
  }

  bool Chance(uint32_t percent) { return random_() % 100 < percent; }

  void Compare(bool tail, bool oracle) {
    ASSERT_EQ(tail, oracle);
    failed_ = failed_ || !oracle;
    if (!failed_) {
      ASSERT_EQ(tail_.head(), oracle_.head());
    }
  }

  // A statement at depth + 1, in a subtransaction of its own or not.
  void Step(uint32_t depth, uint32_t nest) {
    if (depth > 3 || nest > 4) return;
    if (!Chance(30)) return Statement(depth + 1, nest);
    Statement(depth + 1, nest + 1);
    if (failed_) return;
    if (Chance(50)) {
      tail_.CommitSubtransaction(nest + 1);
      oracle_.CommitSubtransaction(nest + 1);
    } else {
      tail_.AbortSubtransaction(nest + 1);
      oracle_.AbortSubtransaction(nest + 1);
    }
    Compare(true, true);
  }

  void Statement(uint32_t depth, uint32_t nest) {
    std::vector<Inserted> inserted;
    const uint32_t rows = random_() % 4;
    for (uint32_t i = 0; i < rows && !failed_; ++i) {
      if (Chance(25)) Step(depth, nest);
      if (failed_) return;
      const LeafHash hash = HashNumber(++draws_);
      const LeafHash prev_hash = tail_.head().hash;
      tail_.Draw(depth, nest, hash);
      oracle_.Draw(depth, nest, hash);
      Compare(true, true);
      if (Chance(85)) inserted.push_back({tail_.head(), prev_hash});
    }
    for (const Inserted& row : inserted) {
      if (failed_) return;
      Compare(Confirmed(row), oracle_.Confirm(row.head.seq));
      if (!failed_ && Chance(15)) Step(depth, nest);
    }
    if (!failed_) Compare(tail_.EndStatement(depth).ok(), oracle_.EndStatement(depth));
  }

  std::mt19937 random_;
  ChainTail tail_{Row(99, 1)};
  Oracle oracle_{Row(99, 1)};
  uint64_t draws_ = 0;
  bool failed_ = false;
};

TEST(ChainTailTest, AgreesWithARowByRowOracleInRandomTransactions) {
  for (uint32_t seed = 0; seed < 50'000 && !::testing::Test::HasFatalFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Transaction(seed).Run();
  }
}

}  // namespace
}  // namespace bulla
