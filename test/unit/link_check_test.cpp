#include "core/link_check.h"

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

namespace bulla {
namespace {

struct Row {
  int64_t seq;
  uint64_t prev_hash;
  uint64_t hash;
};
using Finding = std::tuple<int64_t, int64_t, LinkVerdict>;

LeafHash HashNumber(uint64_t number) {
  LeafHash hash;
  PutU64(hash.bytes.data(), number);
  return hash;
}

// A sound chain of rows first … first + size - 1; the hash of row n is n + 1.
std::vector<Row> Chain(int64_t first, int64_t size) {
  std::vector<Row> rows;
  for (int64_t seq = first; seq < first + size; ++seq) {
    rows.push_back({seq, static_cast<uint64_t>(seq), static_cast<uint64_t>(seq) + 1});
  }
  return rows;
}

std::vector<Finding> FindingsOf(const LinkCheck& check, int64_t first,
                                std::optional<int64_t> last) {
  std::vector<Finding> findings;
  for (const LinkFinding& finding : check.Finish(first, last)) {
    findings.emplace_back(finding.first, finding.last, finding.verdict);
  }
  std::sort(findings.begin(), findings.end());
  return findings;
}

std::vector<Finding> Judge(const std::vector<Row>& rows, int64_t first = 0,
                           std::optional<int64_t> last = {}) {
  LinkCheck check;
  for (const Row& row : rows) check.Add(row.seq, HashNumber(row.prev_hash), HashNumber(row.hash));
  return FindingsOf(check, first, last);
}

// The rows given to several checks that are put together, having been written and read.
std::vector<Finding> JudgeInParts(const std::vector<Row>& rows, std::mt19937* random) {
  LinkCheck parts[3];
  for (const Row& row : rows)
    parts[(*random)() % 3].Add(row.seq, HashNumber(row.prev_hash), HashNumber(row.hash));
  LinkCheck whole;
  for (const LinkCheck& part : parts) {
    std::string bytes;
    part.Write(&bytes);
    std::string_view left = bytes;
    LinkCheck read;
    EXPECT_TRUE(read.Read(&left) && left.empty());
    whole.Merge(read);
  }
  EXPECT_EQ(whole.rows(), static_cast<int64_t>(rows.size()));
  return FindingsOf(whole, 0, {});
}

TEST(LinkCheckTest, ASoundChainHasNoFindings) {
  EXPECT_TRUE(Judge({}).empty());
  EXPECT_TRUE(Judge(Chain(0, 1)).empty());
  EXPECT_TRUE(Judge(Chain(0, 50)).empty());
  EXPECT_TRUE(Judge(Chain(7, 50), 7).empty());
}

TEST(LinkCheckTest, TellsTheHeadAndCountsRows) {
  LinkCheck check;
  EXPECT_EQ(check.head().seq, -1);
  for (const Row& row : Chain(0, 3))
    check.Add(row.seq, HashNumber(row.prev_hash), HashNumber(row.hash));
  EXPECT_EQ(check.head(), (ChainHead{2, HashNumber(3)}));
  EXPECT_EQ(check.rows(), 3);
}

TEST(LinkCheckTest, AGapIsOneFindingWithBothEnds) {
  auto rows = Chain(0, 10);
  rows.erase(rows.begin() + 3, rows.begin() + 6);
  EXPECT_EQ(Judge(rows), (std::vector<Finding>{{3, 5, LinkVerdict::kMissing}}));
}

TEST(LinkCheckTest, AMissingBeginningAndAKnownEndAreFound) {
  EXPECT_EQ(Judge(Chain(2, 3)), (std::vector<Finding>{{0, 1, LinkVerdict::kMissing}}));
  EXPECT_EQ(Judge(Chain(0, 3), 0, 4), (std::vector<Finding>{{3, 4, LinkVerdict::kMissing}}));
  EXPECT_EQ(Judge({}, 0, 4), (std::vector<Finding>{{0, 4, LinkVerdict::kMissing}}));
}

TEST(LinkCheckTest, TheFirstRowHasNoPredecessor) {
  auto rows = Chain(0, 3);
  rows[0].prev_hash = 9;
  EXPECT_EQ(Judge(rows), (std::vector<Finding>{{0, 0, LinkVerdict::kRelinked}}));
}

TEST(LinkCheckTest, TellsOnlyOfTheRangeAskedFor) {
  auto rows = Chain(3, 5);  // 3 is there as the predecessor of 4
  EXPECT_TRUE(Judge(rows, 4, 7).empty());
  rows[1].prev_hash = 99;
  EXPECT_EQ(Judge(rows, 4, 7), (std::vector<Finding>{{4, 4, LinkVerdict::kRelinked}}));
  rows.erase(rows.begin());
  EXPECT_TRUE(Judge(rows, 4, 7).empty()) << "a missing predecessor is not of the range";
  rows.push_back(rows[0]);
  EXPECT_TRUE(Judge(rows, 5, 7).empty()) << "nor is a predecessor that is there twice";
  EXPECT_EQ(Judge({}, 6, 7), (std::vector<Finding>{{6, 7, LinkVerdict::kMissing}}));
}

TEST(LinkCheckTest, ADamagedRowIsThereButLinksToNothing) {
  for (const int64_t damaged : {0, 2, 4}) {
    LinkCheck check;
    for (const Row& row : Chain(0, 5)) {
      if (row.seq == damaged) {
        check.AddDamaged(row.seq);
      } else {
        check.Add(row.seq, HashNumber(row.prev_hash), HashNumber(row.hash));
      }
    }
    EXPECT_TRUE(check.Finish(0, 4).empty());
    EXPECT_EQ(check.head(), (ChainHead{4, damaged == 4 ? LeafHash{} : HashNumber(5)}));
  }
}

// What the verdicts mean, from a table of all rows. Links to and from a seq that is there twice are not judged.
std::vector<Finding> Oracle(const std::vector<Row>& rows, int64_t first) {
  std::map<int64_t, Row> by_seq;
  std::vector<Finding> findings;
  for (const Row& row : rows) {
    if (!by_seq.emplace(row.seq, row).second)
      findings.emplace_back(row.seq, row.seq, LinkVerdict::kDuplicate);
  }
  std::set<int64_t> twice;
  for (const auto& finding : findings) twice.insert(std::get<0>(finding));
  int64_t expected = first;
  for (const auto& [seq, row] : by_seq) {
    if (seq > expected) findings.emplace_back(expected, seq - 1, LinkVerdict::kMissing);
    expected = seq + 1;
    const auto before = by_seq.find(seq - 1);
    const bool relinked = seq == 0 ? row.prev_hash != 0
                                   : before != by_seq.end() && before->second.hash != row.prev_hash;
    if (relinked && !twice.contains(seq) && !twice.contains(seq - 1))
      findings.emplace_back(seq, seq, LinkVerdict::kRelinked);
  }
  std::sort(findings.begin(), findings.end());
  return findings;
}

TEST(LinkCheckTest, FindsTheSameInEveryOrder) {
  auto rows = Chain(0, 7);
  rows.erase(rows.begin() + 2);
  rows[3].prev_hash = 77;
  std::vector<size_t> order{0, 1, 2, 3, 4, 5};
  do {
    std::vector<Row> shuffled;
    for (const size_t at : order) shuffled.push_back(rows[at]);
    ASSERT_EQ(Judge(shuffled), Oracle(rows, 0));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(LinkCheckTest, AgreesWithATableOfAllRowsOnRandomDamage) {
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    auto rows = Chain(0, static_cast<int64_t>(random() % 20));
    for (uint32_t damage = random() % 4; damage > 0 && !rows.empty(); --damage) {
      const size_t at = random() % rows.size();
      switch (random() % 4) {
        case 0:
          rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(at));
          break;
        case 1:
          rows.push_back(rows[at]);
          break;
        case 2:
          rows[at].prev_hash = 1'000 + random() % 3;
          break;
        case 3:
          rows[at].hash = 2'000 + random() % 3;
          break;
      }
    }
    std::shuffle(rows.begin(), rows.end(), random);
    ASSERT_EQ(Judge(rows), Oracle(rows, 0)) << "round " << round;
    ASSERT_EQ(JudgeInParts(rows, &random), Oracle(rows, 0)) << "round " << round;
  }
}

TEST(LinkCheckTest, LinksOfARowThatIsThereTwiceAreNotJudged) {
  auto rows = Chain(0, 7);
  rows.push_back({3, 99, 98});
  EXPECT_EQ(Judge(rows), (std::vector<Finding>{{3, 3, LinkVerdict::kDuplicate}}));
  std::swap(rows[3], rows[7]);
  EXPECT_EQ(Judge(rows), (std::vector<Finding>{{3, 3, LinkVerdict::kDuplicate}}));
}

TEST(LinkCheckTest, PartsThatOverlapAreDuplicates) {
  LinkCheck whole;
  LinkCheck part;
  for (const Row& row : Chain(0, 6))
    whole.Add(row.seq, HashNumber(row.prev_hash), HashNumber(row.hash));
  for (const Row& row : Chain(4, 6))
    part.Add(row.seq, HashNumber(row.prev_hash), HashNumber(row.hash));
  part.Merge(whole);
  EXPECT_EQ(FindingsOf(part, 0, {}), (std::vector<Finding>{{4, 4, LinkVerdict::kDuplicate},
                                                           {5, 5, LinkVerdict::kDuplicate}}));
  EXPECT_EQ(part.head(), (ChainHead{9, HashNumber(10)}));
  EXPECT_EQ(part.lowest(), 0);
}

TEST(LinkCheckTest, APredecessorIsAHashToLinkTo) {
  for (const uint64_t hash : {4, 5}) {
    LinkCheck check;
    for (const Row& row : Chain(4, 3))
      check.Add(row.seq, HashNumber(row.prev_hash), HashNumber(row.hash));
    check.AddPredecessor(3, HashNumber(hash));
    EXPECT_EQ(check.Finish(4, {}).empty(), hash == 4);
    EXPECT_EQ(check.rows(), 3);
  }
}

TEST(LinkCheckTest, ReadsNothingThatWasCutOff) {
  LinkCheck check;
  for (const Row& row : Chain(0, 3))
    check.Add(row.seq, HashNumber(row.prev_hash), HashNumber(row.hash));
  check.Add(1, HashNumber(1), HashNumber(2));
  std::string bytes;
  check.Write(&bytes);
  for (size_t size = 0; size < bytes.size(); ++size) {
    std::string_view cut(bytes.data(), size);
    LinkCheck read;
    EXPECT_FALSE(read.Read(&cut)) << size;
  }
}

}  // namespace
}  // namespace bulla
