#include "core/chain_checks.h"

#include <gtest/gtest.h>

namespace bulla {
namespace {

LeafHash HashNumber(uint64_t number) {
  LeafHash hash;
  PutU64(hash.bytes.data(), number);
  return hash;
}

void AddRow(ChainChecks* chains, std::string_view key, int64_t seq) {
  ChainCheck* chain = chains->Find(AsBytes(key));
  if (chain == nullptr) chain = chains->Add(AsBytes(key), "name of " + std::string(key));
  chain->highest_seq = std::max(chain->highest_seq, seq);
  chain->links.Add(seq, HashNumber(static_cast<uint64_t>(seq)),
                   HashNumber(static_cast<uint64_t>(seq) + 1));
}

TEST(ChainChecksTest, KeepsEachChainApart) {
  ChainChecks chains;
  for (int64_t seq = 0; seq < 100; ++seq) {
    for (int chain = 0; chain < 50; ++chain) AddRow(&chains, "chain " + std::to_string(chain), seq);
  }
  EXPECT_EQ(chains.size(), 50u);
  for (const auto& [key, chain] : chains) {
    EXPECT_EQ(chain->links.rows(), 100);
    EXPECT_TRUE(chain->links.Finish(0, 99).empty());
    EXPECT_EQ(chain->name, "name of " + key);
  }
  EXPECT_EQ(chains.Find(AsBytes("chain")), nullptr);
  EXPECT_EQ(chains.Find({}), nullptr);
}

TEST(ChainChecksTest, PutsTogetherWhatSeveralWereGiven) {
  ChainChecks whole;
  ChainChecks parts[2];
  AddRow(&whole, "", 7);
  for (int64_t seq = 0; seq < 7; ++seq) {
    AddRow(&parts[seq % 2], "", seq);
    AddRow(&parts[0], "only here", seq);
  }
  for (const ChainChecks& part : parts) {
    part.WriteInParts(1, [&](std::string_view bytes) { EXPECT_TRUE(whole.Merge(bytes)); });
  }
  EXPECT_EQ(whole.size(), 2u);
  EXPECT_EQ(whole.Find({})->highest_seq, 7);
  EXPECT_TRUE(whole.Find({})->links.Finish(0, 7).empty());
  EXPECT_EQ(whole.Find(AsBytes("only here"))->name, "name of only here");
  EXPECT_TRUE(whole.Find(AsBytes("only here"))->links.Finish(0, 6).empty());
}

TEST(ChainChecksTest, MergesNothingThatWasCutOff) {
  ChainChecks part;
  AddRow(&part, "key", 0);
  std::string bytes;
  part.WriteInParts(1'000, [&](std::string_view all) { bytes = all; });
  for (size_t size = 1; size < bytes.size(); ++size) {
    ChainChecks whole;
    EXPECT_FALSE(whole.Merge({bytes.data(), size})) << size;
  }
}

}  // namespace
}  // namespace bulla
