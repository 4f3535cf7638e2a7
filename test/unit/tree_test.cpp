#include "core/tree.h"

#include <gtest/gtest.h>

#include <bit>

#include "core/compact_range.h"
#include "tree_oracle.h"
#include "vectors.h"

namespace bulla {
namespace {

using oracle::Hashes;
using oracle::Leaves;

NodeHash RootOf(const CompactRange& range) {
  Sha256 hasher;
  return range.Root(&hasher).value();
}

CompactRange RangeOf(const Hashes& leaves, size_t begin, size_t end) {
  Sha256 hasher;
  CompactRange range(LeafIndex{begin});
  for (size_t i = begin; i < end; ++i) EXPECT_TRUE(range.Append(leaves[i], &hasher));
  return range;
}

NodeHash HashIn(const nlohmann::json& text) {
  NodeHash hash;
  const auto bytes = FromHex(text.get_ref<const std::string&>());
  std::copy(bytes.begin(), bytes.end(), hash.bytes.begin());
  return hash;
}

TEST(TreeTest, RootsAgreeWithCertificateTransparency) {
  const auto entries = LoadVectors("tree.json", "entries");
  const auto leaf_hashes = LoadVectors("tree.json", "leaf_hashes");
  const auto roots = LoadVectors("tree.json", "roots");
  Sha256 hasher;
  CompactRange range;
  for (size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(RootOf(range), HashIn(roots[i]));
    const NodeHash leaf = oracle::HashLeaf(FromHex(entries[i].get_ref<const std::string&>()));
    EXPECT_EQ(leaf, HashIn(leaf_hashes[i]));
    ASSERT_TRUE(range.Append(leaf, &hasher));
  }
  EXPECT_EQ(RootOf(range), HashIn(roots[entries.size()]));
}

TEST(TreeTest, EverySizeUpTo300HasTheRootOfTheOracle) {
  const Hashes leaves = Leaves(300);
  Sha256 hasher;
  CompactRange range;
  EXPECT_EQ(RootOf(range), EmptyTreeRoot());
  EXPECT_EQ(EmptyTreeRoot(), oracle::Hash({}));
  for (size_t size = 1; size <= leaves.size(); ++size) {
    ASSERT_TRUE(range.Append(leaves[size - 1], &hasher));
    EXPECT_EQ(range.size(), TreeSize{size});
    EXPECT_EQ(RootOf(range), oracle::Root(oracle::List(leaves).first(size))) << size;
    EXPECT_EQ(range.hashes().size(), static_cast<size_t>(std::popcount(size)));
  }
  EXPECT_EQ(RootOf(range), HashIn(LoadVectors("tree.json", "many")["root"]));
}

TEST(TreeTest, AppendingTellsOfEveryInnerNodeOnce) {
  const Hashes leaves = Leaves(64);
  oracle::LeafReader reader(leaves);
  Sha256 hasher;
  CompactRange range;
  std::vector<NodeId> seen;
  for (const NodeHash& leaf : leaves) {
    ASSERT_TRUE(range.Append(leaf, &hasher, [&](NodeId node, const NodeHash& hash) {
      NodeHash want;
      EXPECT_TRUE(reader.Read({&node, 1}, {&want, 1}).ok());
      EXPECT_EQ(hash, want);
      seen.push_back(node);
    }));
  }
  EXPECT_EQ(seen.size(), leaves.size() - 1);
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
}

TEST(TreeTest, SubtreesAreTheFewestThatMakeUpTheRange) {
  for (uint64_t begin = 0; begin <= 64; ++begin) {
    for (uint64_t end = begin; end <= 64; ++end) {
      const Subtrees subtrees = SubtreesOf({begin, end});
      uint64_t at = begin;
      for (const NodeId& node : subtrees) {
        EXPECT_EQ(node.index << node.level, at);
        at += uint64_t{1} << node.level;
      }
      EXPECT_EQ(at, end);
      for (size_t i = 1; i < subtrees.size(); ++i) {  // no two of them are the children of one node
        EXPECT_FALSE(subtrees[i - 1].level == subtrees[i].level && subtrees[i].index % 2 == 1);
      }
    }
  }
  EXPECT_EQ(SubtreesOf({1, kMaxTreeSize.value}).size(), 124u);
}

TEST(TreeTest, MergingIsAppending) {
  const Hashes leaves = Leaves(40);
  Sha256 hasher;
  for (size_t begin = 0; begin <= 40; ++begin) {
    for (size_t middle = begin; middle <= 40; ++middle) {
      for (size_t end = middle; end <= 40; ++end) {
        CompactRange merged = RangeOf(leaves, begin, middle);
        ASSERT_TRUE(merged.Merge(RangeOf(leaves, middle, end), &hasher).ok());
        const CompactRange appended = RangeOf(leaves, begin, end);
        ASSERT_EQ(merged.leaves(), appended.leaves());
        ASSERT_TRUE(std::equal(merged.hashes().begin(), merged.hashes().end(),
                               appended.hashes().begin(), appended.hashes().end()));
      }
    }
  }
}

TEST(TreeTest, RangesThatAreNotNeighboursDoNotMerge) {
  const Hashes leaves = Leaves(8);
  Sha256 hasher;
  CompactRange range = RangeOf(leaves, 0, 3);
  for (const size_t begin : {0u, 2u, 4u}) {
    const Result<void> merged = range.Merge(RangeOf(leaves, begin, 6), &hasher);
    ASSERT_FALSE(merged.ok());
    EXPECT_EQ(merged.error().code, Code::kInvalidArgument);
  }
  EXPECT_FALSE(RangeOf(leaves, 3, 6).Root(&hasher).ok());
}

TEST(TreeTest, AStoredRangeGoesOnWhereItWas) {
  const Hashes leaves = Leaves(100);
  Sha256 hasher;
  for (size_t size = 0; size <= leaves.size(); ++size) {
    const CompactRange before = RangeOf(leaves, 0, size);
    Result<CompactRange> stored = CompactRange::FromHashes(before.leaves(), before.hashes());
    ASSERT_TRUE(stored.ok());
    for (size_t i = size; i < leaves.size(); ++i)
      ASSERT_TRUE(stored.value().Append(leaves[i], &hasher));
    EXPECT_EQ(RootOf(stored.value()), oracle::Root(leaves));
  }
}

TEST(TreeTest, AStoredRangeWithAnotherNumberOfHashesIsRefused) {
  const Hashes hashes(8);
  const oracle::List list(hashes);
  EXPECT_TRUE(CompactRange::FromHashes({0, 7}, list.first(3)).ok());
  EXPECT_FALSE(CompactRange::FromHashes({0, 7}, list.first(2)).ok());
  EXPECT_FALSE(CompactRange::FromHashes({0, 7}, list.first(4)).ok());
  EXPECT_FALSE(CompactRange::FromHashes({0, 0}, list.first(1)).ok());
  EXPECT_FALSE(CompactRange::FromHashes({7, 6}, list.first(0)).ok());
  EXPECT_FALSE(CompactRange::FromHashes({0, kMaxTreeSize.value + 1}, list.first(1)).ok());
}

}  // namespace
}  // namespace bulla
