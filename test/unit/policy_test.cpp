#include "core/policy.h"

#include <gtest/gtest.h>

#include "core/checkpoint.h"
#include "signing_keys.h"

namespace bulla {
namespace {

const std::string kOrigin = "example.com/log";

std::string LogKey(uint8_t seed = 100, const std::string& name = kOrigin) {
  return KeyOf(name, SignerOf(seed)).ToText();
}
std::string WitnessKey(uint8_t seed) {
  return KeyOf("w" + std::to_string(seed), SignerOf(seed), SignatureType::kCosignature).ToText();
}
std::string Witness(const std::string& name, uint8_t seed) {
  return "witness " + name + " " + WitnessKey(seed) + "\n";
}

// The policy of the specification's example: two of three X and one of three Y.
std::string Example() {
  return "# logs\nlog " + LogKey() + "\n\n" + Witness("X1", 1) + Witness("X2", 2) +
         Witness("X3", 3) + "group X-witnesses 2 X1 X2 X3\n" + Witness("Y1", 11) +
         Witness("Y2", 12) + Witness("Y3", 13) +
         "group Y-witnesses any Y1 Y2 Y3\n  group  X-and-Y\tall X-witnesses Y-witnesses \n"
         "quorum X-and-Y\n";
}

struct Cosigner {
  uint8_t seed;
  uint64_t time;
};

// A checkpoint of the log, cosigned by these.
SignedNote NoteBy(const std::vector<Cosigner>& cosigners) {
  SignedNote note;
  note.text = FormatCheckpoint({kOrigin, {7}, {}, {}}).value();
  note.signatures.push_back(SignNote(note.text, kOrigin, SignerOf(100)).value());
  for (const Cosigner& c : cosigners)
    note.signatures.push_back(
        Cosign(note.text, {c.time}, "w" + std::to_string(c.seed), SignerOf(c.seed)).value());
  return note;
}

PolicyVerdict Judge(const std::string& policy, const std::vector<Cosigner>& cosigners) {
  const Result<Policy> parsed = Policy::Parse(policy);
  EXPECT_TRUE(parsed.ok()) << policy;
  const Result<PolicyVerdict> verdict = parsed.value().Judge(NoteBy(cosigners));
  EXPECT_TRUE(verdict.ok());
  return verdict.value();
}

TEST(PolicyTest, AQuorumOfGroupsIsCountedForEverySetOfWitnesses) {
  const uint8_t all[] = {1, 2, 3, 11, 12, 13};
  for (unsigned set = 0; set < 64; ++set) {
    std::vector<Cosigner> cosigners;
    unsigned x = 0, y = 0;
    for (unsigned i = 0; i < 6; ++i) {
      if ((set >> i & 1) == 0) continue;
      cosigners.push_back({all[i], 1000});
      ++(i < 3 ? x : y);
    }
    const PolicyVerdict verdict = Judge(Example(), cosigners);
    EXPECT_EQ(verdict.log, kOrigin);
    EXPECT_EQ(verdict.cosigners.size(), cosigners.size());
    EXPECT_EQ(verdict.witnessed, x >= 2 && y >= 1) << set;
    EXPECT_EQ(verdict.witnessed_at.has_value(), verdict.witnessed);
  }
}

TEST(PolicyTest, AQuorumIsAsOldAsTheYoungestSetThatMakesIt) {
  EXPECT_EQ(Judge(Example(), {{1, 10}, {2, 20}, {11, 90}}).witnessed_at, PosixTime{10});
  EXPECT_EQ(Judge(Example(), {{1, 10}, {2, 20}, {3, 30}, {11, 90}}).witnessed_at, PosixTime{20});
  EXPECT_EQ(Judge(Example(), {{2, 20}, {3, 30}, {11, 15}}).witnessed_at, PosixTime{15});
  EXPECT_EQ(Judge(Example(), {{2, 20}, {3, 30}, {11, 15}, {13, 40}}).witnessed_at, PosixTime{20});
  EXPECT_EQ(Judge(Witness("A", 1) + "quorum A\n", {{1, 10}}).witnessed_at, PosixTime{10});
  const PolicyVerdict verdict = Judge(Example(), {{2, 20}, {9, 99}});
  EXPECT_EQ(verdict.cosigners,
            (std::vector<PolicyVerdict::Cosigner>{{"X2", {20}}}));  // 9 is nobody's
}

TEST(PolicyTest, NoQuorumAsksForNobody) {
  const PolicyVerdict verdict = Judge("log " + LogKey() + "\nquorum none\n", {});
  EXPECT_TRUE(verdict.witnessed);
  EXPECT_EQ(verdict.witnessed_at, std::nullopt);
  EXPECT_EQ(verdict.log, kOrigin);
  EXPECT_FALSE(Policy::Parse("quorum none\n").value().asks_for_witnesses());
  EXPECT_TRUE(Policy::Parse(Example()).value().asks_for_witnesses());
}

TEST(PolicyTest, ALogSignsForItsOwnOriginOnly) {
  const std::string quorum = "\nquorum none\n";
  EXPECT_EQ(Judge("log " + LogKey(101) + quorum, {}).log, std::nullopt);
  EXPECT_EQ(Judge("log " + LogKey(100, "example.com/other") + quorum, {}).log, std::nullopt);
  EXPECT_EQ(Judge("quorum none\n", {}).log, std::nullopt);
  EXPECT_EQ(
      Judge("log " + LogKey(101) + "\nlog " + LogKey(100) + " https://example.com/\nquorum none\n",
            {})
          .log,
      kOrigin);
  // A checkpoint of another origin under this log's signature.
  SignedNote note;
  note.text = FormatCheckpoint({"example.com/other", {7}, {}, {}}).value();
  note.signatures.push_back(SignNote(note.text, kOrigin, SignerOf(100)).value());
  EXPECT_EQ(Policy::Parse("log " + LogKey() + quorum).value().Judge(note).value().log,
            std::nullopt);
}

TEST(PolicyTest, OneWrongSignatureOfAKnownKeySpoilsTheNote) {
  const Policy policy = Policy::Parse(Example()).value();
  SignedNote note = NoteBy({{1, 10}, {2, 20}, {11, 30}});
  for (size_t i = 0; i < note.signatures.size(); ++i) {
    SignedNote bad = note;
    bad.signatures[i].bytes.back() ^= std::byte{1};
    const Result<PolicyVerdict> verdict = policy.Judge(bad);
    ASSERT_FALSE(verdict.ok());
    EXPECT_EQ(verdict.error().code, Code::kAuthenticationFailed);
  }
  note.text = "no checkpoint\n";
  EXPECT_EQ(policy.Judge(note).error().code, Code::kInvalidArgument);
}

TEST(PolicyTest, MalformedPoliciesAreRefusedWithTheLine) {
  const std::string a = Witness("A", 1), b = Witness("B", 2), q = "quorum none\n";
  const std::vector<std::string> bad = {
      "",
      "log " + LogKey() + "\n",
      q + q,
      "quorum none",
      "quorum\n",
      "quorum A\n",
      "quorum A\n" + a,
      a + "quorum A B\n",
      "log\n" + q,
      "log " + LogKey() + " u v\n" + q,
      "log " + WitnessKey(1) + "\n" + q,
      "log x\n" + q,
      "witness A " + LogKey() + "\n" + q,
      "witness A\n" + q,
      "witness A " + WitnessKey(1) + " u v\n" + q,
      a + a + q,
      a + Witness("B", 1) + q,
      a + Witness("A", 2) + q,
      Witness("none", 1) + q,
      "log " + LogKey() + "\nlog " + LogKey() + "\n" + q,
      "log " + LogKey() + "\nlog " + LogKey(100, "other") + "\n" + q,
      a + "group G\n" + q,
      a + "group G all\n" + q,
      a + "group G 0 A\n" + q,
      a + "group G 2 A\n" + q,
      a + "group G 01 A\n" + q,
      a + "group G most A\n" + q,
      a + "group G -1 A\n" + q,
      a + "group G all A A\n" + q,
      a + "group G all B\n" + b + q,
      a + "group G all none\n" + q,
      a + "group none all A\n" + q,
      a + "group A all A\n" + q,
      "group G all G\n" + q,
      a + b + "group G any A\ngroup H any A B\n" + q,
      a + "GROUP G all A\n" + q,
      "x\n" + q,
      "\x01\n" + q,
      "quorum none\r\n",
      "# \x7F\n" + q};
  for (const std::string& text : bad) {
    const Result<Policy> parsed = Policy::Parse(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code, Code::kInvalidArgument);
  }
  EXPECT_EQ(Policy::Parse("\n# x\nquorum A\n").error().message,
            "policy line 3: the quorum is not defined above");
}

TEST(PolicyTest, CommentsBlanksUrlsAndNamesOfAnyBytesAreFine) {
  const std::string name = "\xE2\x84\xAA\xFF";
  const PolicyVerdict verdict =
      Judge(" \t\n\t# comment \xFF\n" + Witness(name, 1) + "witness B " + WitnessKey(2) +
                " https://w.example/\n#\ngroup\tG any " + name + " B\nquorum G\n# end\n",
            {{1, 5}});
  EXPECT_TRUE(verdict.witnessed);
  EXPECT_EQ(verdict.cosigners[0].name, name);
}

TEST(PolicyTest, ManyWitnessesAndDeepGroupsAreFine) {
  std::string policy;
  for (uint8_t i = 1; i <= 64; ++i) policy += Witness("W" + std::to_string(i), i);
  policy += "group G1 all W1\n";
  for (int i = 2; i <= 64; ++i)
    policy += "group G" + std::to_string(i) + " all G" + std::to_string(i - 1) + " W" +
              std::to_string(i) + "\n";
  policy += "quorum G64\n";
  std::vector<Cosigner> cosigners;
  for (uint8_t i = 1; i <= 64; ++i) cosigners.push_back({i, 1000u + i});
  EXPECT_EQ(Judge(policy, cosigners).witnessed_at, PosixTime{1001});
  cosigners.erase(cosigners.begin() + 40);
  EXPECT_FALSE(Judge(policy, cosigners).witnessed);
}

}  // namespace
}  // namespace bulla
