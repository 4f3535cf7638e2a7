#include "core/tree_proof.h"

#include <gtest/gtest.h>

#include "core/proof_check.h"
#include "tree_oracle.h"
#include "vectors.h"

namespace bulla {
namespace {

using oracle::Hashes;
using oracle::Leaves;
using oracle::List;

Hashes MakeProof(const Result<ProofPlan>& plan, NodeReader* reader) {
  Sha256 hasher;
  const Result<Proof> proof = ReadProof(plan.value(), reader, &hasher);
  return {proof.value().begin(), proof.value().end()};
}

Hashes InclusionProof(size_t index, size_t size, NodeReader* reader) {
  return MakeProof(PlanInclusion({index}, {size}), reader);
}

Hashes ConsistencyProof(size_t old_size, size_t new_size, NodeReader* reader) {
  return MakeProof(PlanConsistency({old_size}, {new_size}), reader);
}

// What a proof can become in bad hands: each bit of it flipped, each hash left out, doubled or swapped with
// the next (if they differ), one put before it and behind it.
std::vector<Hashes> Corruptions(const Hashes& proof) {
  std::vector<Hashes> all;
  const auto change = [&](auto&& how) {
    all.push_back(proof);
    how(&all.back());
  };
  for (size_t i = 0; i < proof.size(); ++i) {
    const auto at = static_cast<std::ptrdiff_t>(i);
    for (size_t bit = 0; bit < 256; ++bit)
      change([&](Hashes* p) { (*p)[i].bytes[bit / 8] ^= std::byte{1} << (bit % 8); });
    change([&](Hashes* p) { p->erase(p->begin() + at); });
    change([&](Hashes* p) { p->insert(p->begin() + at, proof[i]); });
    if (i > 0 && proof[i] != proof[i - 1])
      change([&](Hashes* p) { std::swap((*p)[i], (*p)[i - 1]); });
  }
  change([](Hashes* p) { p->insert(p->begin(), NodeHash{}); });
  change([](Hashes* p) { p->push_back(NodeHash{}); });
  return all;
}

TEST(TreeProofTest, EveryInclusionUpTo64AgreesWithTheOracleAndVerifies) {
  const Hashes leaves = Leaves(64);
  oracle::LeafReader reader(leaves);
  Sha256 hasher;
  for (size_t size = 1; size <= leaves.size(); ++size) {
    const List tree = List(leaves).first(size);
    for (size_t index = 0; index < size; ++index) {
      const Hashes proof = InclusionProof(index, size, &reader);
      ASSERT_EQ(proof, oracle::Path(index, tree)) << index << " of " << size;
      ASSERT_TRUE(
          CheckInclusion({index}, {size}, leaves[index], proof, oracle::Root(tree), &hasher).ok());
    }
  }
}

TEST(TreeProofTest, EveryConsistencyUpTo64AgreesWithTheOracleAndVerifies) {
  const Hashes leaves = Leaves(64);
  oracle::LeafReader reader(leaves);
  Sha256 hasher;
  for (size_t new_size = 0; new_size <= leaves.size(); ++new_size) {
    const List tree = List(leaves).first(new_size);
    for (size_t old_size = 0; old_size <= new_size; ++old_size) {
      const Hashes proof = ConsistencyProof(old_size, new_size, &reader);
      ASSERT_EQ(proof, old_size == 0 ? Hashes{} : oracle::ConsistencyProof(old_size, tree));
      const RootPair roots{oracle::Root(tree.first(old_size)), oracle::Root(tree)};
      ASSERT_TRUE(CheckConsistency({old_size}, {new_size}, roots, proof, &hasher).ok())
          << old_size << " in " << new_size;
    }
  }
}

TEST(TreeProofTest, RandomLargerTreesAgreeWithTheOracle) {
  const Hashes leaves = Leaves(5'000);
  oracle::LeafReader reader(leaves);
  Sha256 hasher;
  std::mt19937_64 random(6962);
  for (int round = 0; round < 60; ++round) {
    const size_t size = 65 + random() % (leaves.size() - 64);
    const size_t index = random() % size;
    const size_t old_size = 1 + random() % (size - 1);
    const List tree = List(leaves).first(size);
    const NodeHash root = oracle::Root(tree);
    const Hashes inclusion = InclusionProof(index, size, &reader);
    ASSERT_EQ(inclusion, oracle::Path(index, tree));
    ASSERT_TRUE(CheckInclusion({index}, {size}, leaves[index], inclusion, root, &hasher).ok());
    const Hashes consistency = ConsistencyProof(old_size, size, &reader);
    ASSERT_EQ(consistency, oracle::ConsistencyProof(old_size, tree));
    const RootPair roots{oracle::Root(tree.first(old_size)), root};
    ASSERT_TRUE(CheckConsistency({old_size}, {size}, roots, consistency, &hasher).ok());
  }
}

TEST(TreeProofTest, VectorsAgree) {
  Hashes leaves;
  for (const auto& entry : LoadVectors("tree.json", "entries"))
    leaves.push_back(oracle::HashLeaf(FromHex(entry.get_ref<const std::string&>())));
  oracle::LeafReader reader(leaves);
  const auto hexes = [](const Hashes& proof) {
    auto list = nlohmann::json::array();
    for (const NodeHash& hash : proof) list.push_back(ToHex(hash.bytes));
    return list;
  };
  for (const auto& vector : LoadVectors("tree.json", "inclusion"))
    EXPECT_EQ(hexes(InclusionProof(vector["index"], vector["size"], &reader)), vector["proof"]);
  for (const auto& vector : LoadVectors("tree.json", "consistency"))
    EXPECT_EQ(hexes(ConsistencyProof(vector["old"], vector["new"], &reader)), vector["proof"]);
}

TEST(TreeProofTest, AllProofsUpTo130HaveTheDigestOfTheOtherImplementation) {
  const Hashes leaves = Leaves(130);
  oracle::LeafReader reader(leaves);
  std::vector<std::byte> all;
  const auto add = [&](const Hashes& hashes) {
    for (const NodeHash& hash : hashes) all.insert(all.end(), hash.bytes.begin(), hash.bytes.end());
  };
  for (size_t size = 1; size <= leaves.size(); ++size) {
    add(MakeProof(PlanRoot({size}), &reader));
    for (size_t index = 0; index < size; ++index) add(InclusionProof(index, size, &reader));
    for (size_t old = 1; old < size; ++old) add(ConsistencyProof(old, size, &reader));
  }
  EXPECT_EQ(ToHex(oracle::Hash({all}).bytes),
            LoadVectors("tree.json", "many")["all_proofs_digest"].get<std::string>());
}

// The tree of section 2.1.3 of RFC 6962, with its letters: leaves a b c d e f j, nodes g h i k l.
TEST(TreeProofTest, ExamplesOfTheRfc) {
  const auto ranges = [](const Result<ProofPlan>& plan) {
    std::string letters;
    for (const LeafRange& r : plan.value().ranges) {
      static const std::vector<std::pair<LeafRange, char>> kNames = {
          {{0, 1}, 'a'}, {{1, 2}, 'b'}, {{2, 3}, 'c'}, {{3, 4}, 'd'}, {{4, 5}, 'e'}, {{5, 6}, 'f'},
          {{6, 7}, 'j'}, {{0, 2}, 'g'}, {{2, 4}, 'h'}, {{4, 6}, 'i'}, {{0, 4}, 'k'}, {{4, 7}, 'l'}};
      for (const auto& [range, letter] : kNames)
        if (range == r) letters.push_back(letter);
    }
    return letters;
  };
  EXPECT_EQ(ranges(PlanInclusion({0}, {7})), "bhl");
  EXPECT_EQ(ranges(PlanInclusion({3}, {7})), "cgl");
  EXPECT_EQ(ranges(PlanInclusion({4}, {7})), "fjk");
  EXPECT_EQ(ranges(PlanInclusion({6}, {7})), "ik");
  EXPECT_EQ(ranges(PlanConsistency({3}, {7})), "cdgl");
  EXPECT_EQ(ranges(PlanConsistency({4}, {7})), "l");
  EXPECT_EQ(ranges(PlanConsistency({6}, {7})), "ijk");
}

TEST(TreeProofTest, FewNodesAreRead) {
  for (const uint64_t size : {uint64_t{10'000'000}, uint64_t{1} << 40, kMaxTreeSize.value}) {
    for (const uint64_t index : {uint64_t{0}, size / 3, size / 2, size - 2, size - 1}) {
      const auto plan = PlanInclusion({index}, {size}).value();
      EXPECT_LE(plan.ranges.size(), 63u);
      EXPECT_LE(plan.nodes.size(), 2u * 63);
      const auto consistency = PlanConsistency({index + 1}, {size}).value();
      EXPECT_LE(consistency.ranges.size(), kMaxProofSize);
      EXPECT_LE(consistency.nodes.size(), 2u * 63);
    }
  }
  EXPECT_LE(PlanInclusion({4'321'000}, {10'000'000}).value().nodes.size(), 30u);
}

TEST(TreeProofTest, EveryCorruptionOfAnInclusionProofIsFound) {
  const Hashes leaves = Leaves(20);
  oracle::LeafReader reader(leaves);
  Sha256 hasher;
  for (const size_t size : {1, 2, 3, 7, 8, 13, 20}) {
    const NodeHash root = oracle::Root(List(leaves).first(size));
    for (size_t index = 0; index < size; ++index) {
      const Hashes proof = InclusionProof(index, size, &reader);
      const auto refused = [&](uint64_t i, uint64_t n, const NodeHash& leaf, const Hashes& p,
                               const NodeHash& r) {
        return !CheckInclusion({i}, {n}, leaf, p, r, &hasher).ok();
      };
      for (const Hashes& bad : Corruptions(proof))
        ASSERT_TRUE(refused(index, size, leaves[index], bad, root)) << index << " of " << size;
      for (uint64_t other = 0; other < size + 3; ++other)
        ASSERT_NE(other == index, refused(other, size, leaves[index], proof, root));
      for (size_t bit = 0; bit < 256; ++bit) {
        NodeHash leaf = leaves[index], wrong_root = root;
        leaf.bytes[bit / 8] ^= std::byte{1} << (bit % 8);
        wrong_root.bytes[bit / 8] ^= std::byte{1} << (bit % 8);
        ASSERT_TRUE(refused(index, size, leaf, proof, root));
        ASSERT_TRUE(refused(index, size, leaves[index], proof, wrong_root));
      }
    }
  }
}

TEST(TreeProofTest, EveryCorruptionOfAConsistencyProofIsFound) {
  const Hashes leaves = Leaves(20);
  oracle::LeafReader reader(leaves);
  Sha256 hasher;
  for (const size_t new_size : {1, 2, 3, 7, 8, 13, 20}) {
    for (size_t old_size = 0; old_size <= new_size; ++old_size) {
      const RootPair roots{oracle::Root(List(leaves).first(old_size)),
                           oracle::Root(List(leaves).first(new_size))};
      const Hashes proof = ConsistencyProof(old_size, new_size, &reader);
      for (const Hashes& bad : Corruptions(proof))
        ASSERT_FALSE(CheckConsistency({old_size}, {new_size}, roots, bad, &hasher).ok());
      for (size_t bit = 0; bit < 256; ++bit) {
        RootPair bad = roots;
        bad.old_root.bytes[bit / 8] ^= std::byte{1} << (bit % 8);
        ASSERT_FALSE(CheckConsistency({old_size}, {new_size}, bad, proof, &hasher).ok());
        if (old_size == 0) continue;  // every tree has grown out of the empty one
        bad = roots;
        bad.new_root.bytes[bit / 8] ^= std::byte{1} << (bit % 8);
        ASSERT_FALSE(CheckConsistency({old_size}, {new_size}, bad, proof, &hasher).ok());
      }
    }
  }
}

TEST(TreeProofTest, ASwappedPairOfRootsAndAShrunkTreeAreRefused) {
  const Hashes leaves = Leaves(8);
  oracle::LeafReader reader(leaves);
  Sha256 hasher;
  const RootPair roots{oracle::Root(List(leaves).first(5)), oracle::Root(leaves)};
  const Hashes proof = ConsistencyProof(5, 8, &reader);
  EXPECT_TRUE(CheckConsistency({5}, {8}, roots, proof, &hasher).ok());
  EXPECT_EQ(
      CheckConsistency({5}, {8}, {roots.new_root, roots.old_root}, proof, &hasher).error().code,
      Code::kAuthenticationFailed);
  EXPECT_EQ(CheckConsistency({8}, {5}, roots, proof, &hasher).error().code, Code::kInvalidArgument);
  EXPECT_FALSE(CheckConsistency({0}, {0}, {roots.old_root, roots.old_root}, {}, &hasher).ok());
  EXPECT_FALSE(RootsFromConsistency({0}, {8}, roots.old_root, {}, &hasher).ok());
  EXPECT_FALSE(RootsFromConsistency({8}, {8}, roots.old_root, {}, &hasher).ok());
}

TEST(TreeProofTest, WhatCannotBeProvedIsRefused) {
  EXPECT_FALSE(PlanInclusion({0}, {0}).ok());
  EXPECT_FALSE(PlanInclusion({5}, {5}).ok());
  EXPECT_FALSE(PlanInclusion({0}, {kMaxTreeSize.value + 1}).ok());
  EXPECT_FALSE(PlanInclusion({~uint64_t{0}}, {~uint64_t{0}}).ok());
  EXPECT_FALSE(PlanConsistency({6}, {5}).ok());
  EXPECT_FALSE(PlanConsistency({1}, {kMaxTreeSize.value + 1}).ok());
  EXPECT_FALSE(PlanRoot({0}).ok());
  Sha256 hasher;
  EXPECT_FALSE(FoldProof(PlanRoot({3}).value(), Hashes(1), &hasher).ok());
  EXPECT_FALSE(FoldProof(PlanRoot({3}).value(), Hashes(3), &hasher).ok());
}

TEST(TreeProofTest, AReaderThatFailsIsHeard) {
  class Failing final : public NodeReader {
    Result<void> Read(std::span<const NodeId>, std::span<NodeHash>) override {
      return Error{Code::kUnavailable, "no tiles today"};
    }
  } reader;
  Sha256 hasher;
  EXPECT_EQ(ReadProof(PlanRoot({3}).value(), &reader, &hasher).error().message, "no tiles today");
}

}  // namespace
}  // namespace bulla
