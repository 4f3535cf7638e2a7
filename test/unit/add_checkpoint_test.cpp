#include "core/add_checkpoint.h"

#include <gtest/gtest.h>

#include "core/proof_check.h"
#include "signing_keys.h"

namespace bulla {
namespace {

std::string KnownBody() { return CheckpointVectors("add_checkpoint")["body"]; }

TEST(AddCheckpointTest, AgreesWithTheSpecificationAndItsProofVerifies) {
  const Result<AddCheckpoint> request = ParseAddCheckpoint(KnownBody());
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request.value().old_size, TreeSize{CheckpointVectors("add_checkpoint")["old_size"]});
  EXPECT_EQ(FormatAddCheckpoint(request.value()), KnownBody());
  RootPair roots{{}, request.value().checkpoint.root};
  const auto old_root = HexIn(CheckpointVectors("add_checkpoint"), "old_root");
  std::copy(old_root.begin(), old_root.end(), roots.old_root.bytes.begin());
  Sha256 hasher;
  EXPECT_TRUE(CheckConsistency(request.value().old_size, request.value().checkpoint.size, roots,
                               request.value().proof, &hasher)
                  .ok());
}

TEST(AddCheckpointTest, ReadsTheExampleOfTheSpecification) {
  const std::string body =
      "old 20852014\n"
      "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
      "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n"
      "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n"
      "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n"
      "\n"
      "example.com/behind-the-sofa\n"
      "20852163\n"
      "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
      "\n"
      "\xE2\x80\x94 example.com/behind-the-sofa "
      "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
      "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
  const Result<AddCheckpoint> request = ParseAddCheckpoint(body);
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request.value().old_size, TreeSize{20852014});
  EXPECT_EQ(request.value().proof.size(), 4u);
  EXPECT_EQ(request.value().checkpoint.size, TreeSize{20852163});
  EXPECT_EQ(FormatAddCheckpoint(request.value()), body);
}

TEST(AddCheckpointTest, MalformedRequestsAreRefused) {
  const std::string body = KnownBody();
  const auto from = [&](std::string_view first) { return body.substr(body.find(first)); };
  const std::string rest = body.substr(body.find('\n'));
  for (const std::string& text : {std::string(), rest, rest.substr(1), "old" + rest, "old " + rest,
                                  "old 03" + rest, "old -1" + rest, "old  3" + rest, "Old 3" + rest,
                                  "old 3 " + rest, "old 9223372036854775808" + rest,
                                  "old 3\n" + from("ledger"), "old 3\n\n\n" + from("ledger"),
                                  "old 3\nabc\n\n" + from("ledger"), body + "\n", "\n" + body}) {
    const Result<AddCheckpoint> parsed = ParseAddCheckpoint(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code, Code::kInvalidArgument);
  }
  EXPECT_TRUE(ParseAddCheckpoint("old 0\n\n" + from("ledger")).ok());
  for (size_t size = 0; size < body.size(); ++size)
    EXPECT_FALSE(ParseAddCheckpoint(body.substr(0, size)).ok()) << size;
}

TEST(AddCheckpointTest, AsManyAs63HashesAreReadAndNoMore) {
  AddCheckpoint request = ParseAddCheckpoint(KnownBody()).value();
  request.proof.resize(kMaxProofLines);
  EXPECT_TRUE(ParseAddCheckpoint(FormatAddCheckpoint(request)).ok());
  request.proof.resize(kMaxProofLines + 1);
  EXPECT_FALSE(ParseAddCheckpoint(FormatAddCheckpoint(request)).ok());
}

TEST(AddCheckpointTest, EveryChangedByteIsAnotherRequestOrRefused) {
  const std::string body = KnownBody();
  for (size_t at = 0; at < body.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string other = body;
      other[at] = static_cast<char>(other[at] ^ (1 << bit));
      const Result<AddCheckpoint> parsed = ParseAddCheckpoint(other);
      ASSERT_TRUE(!parsed.ok() || FormatAddCheckpoint(parsed.value()) == other) << other;
    }
  }
}

}  // namespace
}  // namespace bulla
