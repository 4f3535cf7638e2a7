// bulla-verify proof and consistency.
#include <fstream>

#include <gtest/gtest.h>

#include "core/proof_file.h"
#include "core/tree_proof.h"
#include "made_export.h"
#include "verify/commands.h"

namespace bulla::verify {
namespace {

constexpr uint8_t kLog = 1, kNextLog = 2, kWitness = 11;
constexpr uint64_t kNow = 1'800'000'000;

// Of the chain's tree, read from the hashes of its rows.
class RowsReader : public NodeReader {
 public:
  explicit RowsReader(const MadeChain* rows) : rows_(rows) {}
  Result<void> Read(std::span<const NodeId> nodes, std::span<NodeHash> hashes) override {
    Sha256 hasher;
    for (size_t i = 0; i < nodes.size(); ++i) {
      const size_t count = size_t{1} << nodes[i].level;
      CompactRange part;
      for (size_t leaf = 0; leaf < count; ++leaf)
        EXPECT_TRUE(part.Append((*rows_)[nodes[i].index * count + leaf].hash, &hasher));
      hashes[i] = part.Root(&hasher).value();
    }
    return {};
  }

 private:
  const MadeChain* rows_;
};

class VerifyProofTest : public testing::Test {
 protected:
  VerifyProofTest() : rows_(*export_.Add("acme", 11)) {
    keys_ = {KeyOf(OriginOf("acme"), SignerOf(kLog)).ToText(), WitnessKeyOf(kWitness)};
  }

  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = testing::TempDir() + "/verify-" +
                             testing::UnitTest::GetInstance()->current_test_info()->name() + "-" +
                             name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  std::string Checkpoint(size_t size) {
    return NoteOf({OriginOf("acme"), {size}, RootOf(rows_, size), {}}, kLog, {{kWitness, kNow}});
  }
  std::vector<NodeHash> Hashes(const Result<ProofPlan>& plan) {
    RowsReader reader(&rows_);
    Sha256 hasher;
    const Proof proof = ReadProof(plan.value(), &reader, &hasher).value();
    return {proof.span().begin(), proof.span().end()};
  }
  ProofFile MakeProof(uint64_t index, size_t size) {
    ProofFile file;
    file.index = {index};
    file.proof = Hashes(PlanInclusion({index}, {size}));
    file.note = ParseNote(Checkpoint(size)).value();
    return file;
  }
  static std::string TextOf(Bytes bytes) { return std::string(AsText(bytes)); }

  Outcome Verify(const ProofFile& file, const std::string& record) {
    ProofArguments arguments;
    arguments.file = Write("tlog-proof", FormatProofFile(file));
    arguments.record = Write("record", record);
    arguments.trust.keys = keys_;
    return VerifyProof(arguments, {kNow}).findings.outcome();
  }
  Outcome VerifyHash(const ProofFile& file, const std::string& hash) {
    ProofArguments arguments;
    arguments.file = Write("tlog-proof", FormatProofFile(file));
    arguments.hash = hash;
    arguments.trust.keys = keys_;
    return VerifyProof(arguments, {kNow}).findings.outcome();
  }
  Outcome VerifyGrowth(const std::string& older, const std::string& newer,
                       const std::string& proof) {
    ConsistencyArguments arguments;
    arguments.older = Write("old", older);
    arguments.newer = Write("new", newer);
    arguments.proof = Write("proof", proof);
    arguments.trust.keys = keys_;
    return VerifyConsistency(arguments, {kNow}).findings.outcome();
  }
  std::string Growth(size_t from, size_t to) {
    return FormatProofLines(Hashes(PlanConsistency({from}, {to})));
  }

  MadeExport export_;
  MadeChain rows_;
  std::vector<std::string> keys_;
};

TEST_F(VerifyProofTest, EveryRowIsProvenByItsRecordOrItsHash) {
  for (uint64_t index = 0; index < 11; ++index) {
    const ProofFile file = MakeProof(index, 11);
    EXPECT_EQ(Verify(file, TextOf(*rows_[index].record)), Outcome::kProven);
    EXPECT_EQ(Verify(file, "\\x" + ToHex(*rows_[index].record) + "\n"), Outcome::kProven);
    EXPECT_EQ(VerifyHash(file, ToHex(rows_[index].hash.bytes)), Outcome::kProven);
    EXPECT_EQ(VerifyHash(file, ToHex(rows_[(index + 1) % 11].hash.bytes)), Outcome::kTampered);
    EXPECT_EQ(Verify(file, TextOf(*rows_[(index + 1) % 11].record)), Outcome::kTampered);
  }
}

TEST_F(VerifyProofTest, NoBitOfARecordOrProofCanChange) {
  const ProofFile file = MakeProof(4, 11);
  const std::string record = TextOf(*rows_[4].record);
  for (size_t i = 0; i < record.size(); ++i) {
    std::string changed = record;
    changed[i] = static_cast<char>(changed[i] ^ 1 << i % 8);
    const Outcome outcome = Verify(file, changed);
    EXPECT_TRUE(outcome == Outcome::kTampered || outcome == Outcome::kBadInput) << i;
  }
  for (size_t i = 0; i < file.proof.size(); ++i) {
    ProofFile changed = file;
    changed.proof[i].bytes[i] ^= std::byte{1};
    EXPECT_EQ(Verify(changed, record), Outcome::kTampered);
  }
  ProofFile other = file;
  other.index.value = 5;
  EXPECT_EQ(Verify(other, record), Outcome::kTampered);
}

TEST_F(VerifyProofTest, AProofOfAnotherChainIsRefused) {
  ProofFile file = MakeProof(4, 11);
  file.note = ParseNote(NoteOf({OriginOf("other"), {11}, RootOf(rows_, 11), {}}, kLog, {})).value();
  EXPECT_EQ(Verify(file, TextOf(*rows_[4].record)), Outcome::kTampered);
}

TEST_F(VerifyProofTest, WithoutTrustedSignaturesNothingIsProven) {
  const ProofFile file = MakeProof(4, 11);
  const std::vector<std::string> keys = keys_;
  keys_ = {keys[0]};
  EXPECT_EQ(Verify(file, TextOf(*rows_[4].record)), Outcome::kUnanchored);
  EXPECT_EQ(VerifyGrowth(Checkpoint(4), Checkpoint(11), Growth(4, 11)), Outcome::kUnanchored);
  keys_ = {keys[1]};
  EXPECT_EQ(Verify(file, TextOf(*rows_[4].record)), Outcome::kUnanchored);
}

TEST_F(VerifyProofTest, WhatIsNoProofOrRecordIsBadInput) {
  const ProofFile file = MakeProof(4, 11);
  for (const std::string& record :
       {std::string(), std::string("bulla.record.v1"), std::string("\\x0"),
        std::string(70'000, 'x'), TextOf(*rows_[4].record).substr(0, 60)})
    EXPECT_EQ(Verify(file, record), Outcome::kBadInput);
  EXPECT_EQ(VerifyHash(file, "00"), Outcome::kBadInput);
  ProofArguments arguments;
  arguments.file = Write("none", "c2sp.org/tlog-proof@v1\n");
  arguments.hash = std::string(64, '0');
  EXPECT_EQ(VerifyProof(arguments, {kNow}).findings.outcome(), Outcome::kBadInput);
}

TEST_F(VerifyProofTest, ACheckpointGrowsOutOfAnOlderOne) {
  for (size_t from = 1; from <= 11; ++from) {
    EXPECT_EQ(VerifyGrowth(Checkpoint(from), Checkpoint(11), Growth(from, 11)), Outcome::kProven)
        << from;
    if (from < 11) {
      EXPECT_EQ(VerifyGrowth(Checkpoint(from), Checkpoint(11), Growth(from == 4 ? 5 : 4, 11)),
                Outcome::kTampered);
      EXPECT_EQ(VerifyGrowth(Checkpoint(11), Checkpoint(from), Growth(from, 11)),
                Outcome::kTampered);
    }
  }
  EXPECT_EQ(VerifyGrowth(Checkpoint(4), Checkpoint(11), "no hash\n"), Outcome::kBadInput);
  EXPECT_EQ(VerifyGrowth("no note", Checkpoint(11), Growth(4, 11)), Outcome::kBadInput);
  const std::string other = NoteOf({OriginOf("other"), {4}, RootOf(rows_, 4), {}}, kLog, {});
  EXPECT_EQ(VerifyGrowth(other, Checkpoint(11), Growth(4, 11)), Outcome::kBadInput);
}

TEST_F(VerifyProofTest, ARewrittenHistoryDoesNotGrowOutOfTheOldOne) {
  const std::string older = Checkpoint(6);
  rows_[2].values["note"] = "never happened";
  MadeExport::Rechain(&rows_, 2);
  EXPECT_EQ(VerifyGrowth(older, Checkpoint(11), Growth(6, 11)), Outcome::kTampered);
}

// A later epoch may begin with the tree of an earlier one, or with a part of it.
TEST_F(VerifyProofTest, AnEpochBeginsWithWhatARestoreLeft) {
  const auto in_epoch = [&](uint32_t epoch, size_t size) {
    return NoteOf({OriginOf("acme", epoch), {size}, RootOf(rows_, size), {}}, kNextLog,
                  {{kWitness, kNow}});
  };
  keys_.push_back(KeyOf(OriginOf("acme", 2), SignerOf(kNextLog)).ToText());
  EXPECT_EQ(VerifyGrowth(Checkpoint(5), in_epoch(2, 11), Growth(5, 11)), Outcome::kProven);
  EXPECT_EQ(VerifyGrowth(Checkpoint(11), in_epoch(2, 5), ""), Outcome::kTampered);
  EXPECT_EQ(VerifyGrowth(Checkpoint(5), in_epoch(2, 11), Growth(4, 11)), Outcome::kTampered);
  EXPECT_EQ(VerifyGrowth(in_epoch(2, 5), Checkpoint(11), Growth(5, 11)), Outcome::kBadInput);
  EXPECT_EQ(VerifyGrowth(Checkpoint(5), in_epoch(1, 11), Growth(5, 11)), Outcome::kUnanchored);
}

}  // namespace
}  // namespace bulla::verify
