#include "core/witness.h"

#include <gtest/gtest.h>

#include "signing_keys.h"
#include "tree_oracle.h"

namespace bulla {
namespace {

using enum WitnessAnswer;
using oracle::Hashes;
using oracle::List;

const std::string kOrigin = "example.com/log";

const Ed25519Signer& LogSigner() {
  static const Ed25519Signer* const signer = new Ed25519Signer(SignerOf(1));
  return *signer;
}

WitnessedTree TreeOf(const Hashes& leaves, size_t size) {
  return {{size}, oracle::Root(List(leaves).first(size))};
}

// What an honest log asks that has these leaves and believes the witness to be at the old size.
AddCheckpoint RequestOf(const Hashes& leaves, size_t old_size, size_t new_size) {
  AddCheckpoint request;
  request.old_size = {old_size};
  if (old_size > 0 && old_size < new_size)
    request.proof = oracle::ConsistencyProof(old_size, List(leaves).first(new_size));
  const WitnessedTree tree = TreeOf(leaves, new_size);
  request.checkpoint = {kOrigin, tree.size, tree.root, {}};
  request.note.text = FormatCheckpoint(request.checkpoint).value();
  request.note.signatures = {SignNote(request.note.text, kOrigin, LogSigner()).value()};
  return request;
}

WitnessAnswer Judge(const AddCheckpoint& request, const WitnessedTree& last,
                    std::vector<VerifierKey> trusted = {KeyOf(kOrigin, LogSigner())}) {
  Sha256 hasher;
  const Result<WitnessVerdict> verdict = JudgeAddCheckpoint(request, trusted, last, &hasher);
  EXPECT_TRUE(verdict.ok());
  EXPECT_EQ(verdict.value().reason.empty(), verdict.value().answer == kCosign);
  return verdict.value().answer;
}

TEST(WitnessTest, EveryCombinationOfSizesOfAnHonestLogIsAnsweredAsTheTextSays) {
  const Hashes leaves = oracle::Leaves(12);
  for (size_t last = 0; last <= leaves.size(); ++last) {
    for (size_t old_size = 0; old_size <= leaves.size(); ++old_size) {
      for (size_t new_size = 0; new_size <= leaves.size(); ++new_size) {
        const WitnessAnswer want = old_size > new_size ? kTreeShrank
                                   : old_size != last  ? kOtherOldSize
                                                       : kCosign;
        ASSERT_EQ(Judge(RequestOf(leaves, old_size, new_size), TreeOf(leaves, last)), want)
            << last << " " << old_size << " " << new_size;
      }
    }
  }
}

TEST(WitnessTest, AForkIsNeverCosignedWhereverItBegins) {
  const Hashes leaves = oracle::Leaves(12);
  for (size_t changed = 0; changed < leaves.size(); ++changed) {
    Hashes fork = leaves;
    fork[changed].bytes[0] ^= std::byte{1};
    for (size_t last = 0; last <= leaves.size(); ++last) {
      for (size_t new_size = last; new_size <= leaves.size(); ++new_size) {
        const WitnessAnswer want = changed >= last    ? kCosign
                                   : new_size == last ? kOtherRoot
                                                      : kNotProved;
        ASSERT_EQ(Judge(RequestOf(fork, last, new_size), TreeOf(leaves, last)), want)
            << changed << " " << last << " " << new_size;
      }
    }
  }
}

TEST(WitnessTest, AProofWithAChangedMissingOrFurtherHashIsRefused) {
  const Hashes leaves = oracle::Leaves(12);
  for (size_t last = 0; last <= leaves.size(); ++last) {
    for (size_t new_size = last; new_size <= leaves.size(); ++new_size) {
      const AddCheckpoint good = RequestOf(leaves, last, new_size);
      AddCheckpoint longer = good;
      longer.proof.emplace_back();
      ASSERT_EQ(Judge(longer, TreeOf(leaves, last)), kNotProved);
      for (size_t i = 0; i < good.proof.size(); ++i) {
        AddCheckpoint changed = good, shorter = good;
        changed.proof[i].bytes[31] ^= std::byte{1};
        shorter.proof.erase(shorter.proof.begin() + static_cast<std::ptrdiff_t>(i));
        ASSERT_EQ(Judge(changed, TreeOf(leaves, last)), kNotProved);
        ASSERT_EQ(Judge(shorter, TreeOf(leaves, last)), kNotProved);
      }
    }
  }
}

TEST(WitnessTest, TheEmptyTreeHasOneRoot) {
  AddCheckpoint request = RequestOf({}, 0, 0);
  EXPECT_EQ(Judge(request, {}), kCosign);
  request.checkpoint.root = NodeHash{};
  request.note.text = FormatCheckpoint(request.checkpoint).value();
  request.note.signatures = {SignNote(request.note.text, kOrigin, LogSigner()).value()};
  EXPECT_EQ(Judge(request, {}), kOtherRoot);
}

TEST(WitnessTest, OnlyTrustedKeysCountAndOneWrongSignatureOfThemIsEnoughToRefuse) {
  const Hashes leaves = oracle::Leaves(3);
  const AddCheckpoint good = RequestOf(leaves, 0, 3);
  const VerifierKey log = KeyOf(kOrigin, LogSigner()), next = KeyOf(kOrigin, SignerOf(2));
  EXPECT_EQ(Judge(good, {}, {}), kUnknownOrigin);
  EXPECT_EQ(Judge(good, {}, {next}), kNotSigned);
  EXPECT_EQ(Judge(good, {}, {next, log}), kCosign);
  AddCheckpoint request = good;
  request.note.signatures.push_back(
      SignNote(request.note.text, "example.com/other", SignerOf(3)).value());
  request.note.signatures.back().bytes[0] ^= std::byte{1};
  EXPECT_EQ(Judge(request, {}), kCosign);  // wrong, but nobody's here
  request = good;
  request.note.signatures[0].bytes[0] ^= std::byte{1};
  EXPECT_EQ(Judge(request, {}), kNotSigned);
  request.note.signatures.insert(request.note.signatures.begin(), good.note.signatures[0]);
  EXPECT_EQ(Judge(request, {}), kNotSigned);
  request = good;
  request.note.text += "extension\n";
  EXPECT_EQ(Judge(request, {}), kNotSigned);
}

// Nobody learns what a witness has of an origin without the log's signature, and sizes come before roots.
TEST(WitnessTest, TheFirstReasonIsTheOneThatIsTold) {
  const Hashes leaves = oracle::Leaves(8);
  AddCheckpoint request = RequestOf(leaves, 5, 3);
  EXPECT_EQ(Judge(request, TreeOf(leaves, 7), {}), kUnknownOrigin);
  EXPECT_EQ(Judge(request, TreeOf(leaves, 7), {KeyOf(kOrigin, SignerOf(2))}), kNotSigned);
  EXPECT_EQ(Judge(request, TreeOf(leaves, 7)), kTreeShrank);
  request = RequestOf(leaves, 3, 7);
  request.proof.clear();
  EXPECT_EQ(Judge(request, TreeOf(leaves, 7)), kOtherOldSize);
}

}  // namespace
}  // namespace bulla
