#include "core/checkpoint.h"

#include <gtest/gtest.h>

#include "signing_keys.h"

namespace bulla {
namespace {

const std::string kRoot = "3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=";

TEST(CheckpointTest, AgreesWithTheSpecification) {
  const auto vector = CheckpointVectors("checkpoint");
  const std::string text = vector["text"];
  const Result<Checkpoint> parsed = ParseCheckpoint(text);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed.value().origin, CheckpointVectors("key")["origin"]);
  EXPECT_EQ(parsed.value().size, TreeSize{vector["size"]});
  EXPECT_EQ(ToHex(parsed.value().root.bytes), vector["root"]);
  EXPECT_EQ(FormatCheckpoint(parsed.value()).value(), text);
}

TEST(CheckpointTest, ReadsOtherLogsWithExtensionLines) {
  const std::string text =
      "example.com/behind-the-sofa\n20852163\n"
      "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nmore\n\xC3\xA9\n";
  const Result<Checkpoint> parsed = ParseCheckpoint(text);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed.value().size, TreeSize{20852163});
  EXPECT_EQ(parsed.value().extensions, (std::vector<std::string>{"more", "\xC3\xA9"}));
  EXPECT_EQ(FormatCheckpoint(parsed.value()).value(), text);
}

TEST(CheckpointTest, MalformedOnesAreRefused) {
  const std::string good = "o\n7\n" + kRoot + "\n";
  EXPECT_TRUE(ParseCheckpoint(good).ok());
  EXPECT_TRUE(ParseCheckpoint("o\n0\n" + kRoot + "\n").ok());
  EXPECT_TRUE(ParseCheckpoint("o\n9223372036854775807\n" + kRoot + "\n").ok());
  std::vector<std::string> bad = {"o\n7\n",          "\n7\n" + kRoot + "\n", good + "\n",
                                  good + "a\n\nb\n", good + "\nb\n",         "o\n\n" + kRoot + "\n",
                                  "o\n7\n\n"};
  for (const char* size : {"", "07", "00", "-1", "+7", " 7", "7 ", "7.0", "0x7", "7a",
                           "9223372036854775808", "18446744073709551616", "99999999999999999999"})
    bad.push_back("o\n" + std::string(size) + "\n" + kRoot + "\n");
  for (const std::string& root :
       {kRoot.substr(1), kRoot.substr(0, 43), kRoot + "=", "A" + kRoot,
        kRoot.substr(0, 42) + "x=", std::string(44, '-'), kRoot + " ", std::string(44, 'A')})
    bad.push_back("o\n7\n" + root + "\n");
  for (const char* control : {"\t", "\r", "\x01", "\xFF"}) bad.push_back("o" + (control + good));
  for (const std::string& text : bad) {
    const Result<Checkpoint> parsed = ParseCheckpoint(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code, Code::kInvalidArgument);
  }
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(ParseCheckpoint(good.substr(0, size)).ok());
}

TEST(CheckpointTest, EveryChangedByteIsAnotherCheckpointOrRefused) {
  const std::string text = CheckpointVectors("checkpoint")["text"];
  const Checkpoint original = ParseCheckpoint(text).value();
  for (size_t at = 0; at < text.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string other = text;
      other[at] = static_cast<char>(byte);
      const Result<Checkpoint> parsed = ParseCheckpoint(other);
      ASSERT_TRUE(!parsed.ok() || other == text || parsed.value() != original);
      ASSERT_TRUE(!parsed.ok() || FormatCheckpoint(parsed.value()).value() == other);
    }
  }
}

TEST(CheckpointTest, FieldsThatAreNoLinesAreRefused) {
  const Checkpoint good{"o", {7}, {}, {"e"}};
  EXPECT_TRUE(FormatCheckpoint(good).ok());
  const auto refused = [&](auto&& change) {
    Checkpoint bad = good;
    change(&bad);
    return !FormatCheckpoint(bad).ok();
  };
  EXPECT_TRUE(refused([](Checkpoint* c) { c->origin = ""; }));
  EXPECT_TRUE(refused([](Checkpoint* c) { c->origin = "o\n7"; }));
  EXPECT_TRUE(refused([](Checkpoint* c) { c->origin = "o\r"; }));
  EXPECT_TRUE(refused([](Checkpoint* c) { c->extensions = {""}; }));
  EXPECT_TRUE(refused([](Checkpoint* c) { c->extensions = {"a\nb"}; }));
  EXPECT_TRUE(refused([](Checkpoint* c) { c->size.value = kMaxTreeSize.value + 1; }));
}

}  // namespace
}  // namespace bulla
