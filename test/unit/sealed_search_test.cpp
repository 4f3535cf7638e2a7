#include "core/sealed_search.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/base64.h"
#include "core/envelope.h"
#include "core/hex.h"

namespace bulla {
namespace {

VersionId Version(unsigned number) {
  VersionId version;
  version.bytes.fill(static_cast<std::byte>(number));
  return version;
}

std::string EnvelopeOf(const VersionId& version, size_t plaintext_size = 5, char algorithm = 1) {
  std::string envelope = {static_cast<char>(0xB1), algorithm};
  envelope += AsText(version.bytes);
  envelope.append(EnvelopeSize(Algorithm::kXaes256Gcm, plaintext_size) - envelope.size(), '\x5a');
  return envelope;
}

std::string TextOf(const std::string& envelope) {
  std::string text(Base64UrlSize(envelope.size()), ' ');
  EncodeBase64Url(AsBytes(envelope), text);
  return "bulla1:" + text;
}

std::string HexOf(const std::string& bytes) {
  std::string hex(2 * bytes.size(), ' ');
  EncodeHex(AsBytes(bytes), hex.data());
  return hex;
}

class SealedSearchTest : public testing::Test {
 protected:
  SealedSearchTest() {
    for (const unsigned number : {9U, 1U, 200U}) search_.Add(Version(number));
  }
  bool Finds(const std::string& value, unsigned number) {
    const auto found = search_.FindIn(AsBytes(value));
    return found.has_value() && *found == Version(number);
  }
  bool FindsNothing(const std::string& value) { return !search_.FindIn(AsBytes(value)); }

  SealedSearch search_;
};

TEST_F(SealedSearchTest, EnvelopesAreFoundInEachForm) {
  for (const unsigned number : {1U, 9U, 200U}) {
    const std::string envelope = EnvelopeOf(Version(number));
    EXPECT_TRUE(Finds(envelope, number));
    EXPECT_TRUE(Finds(TextOf(envelope), number));
    EXPECT_TRUE(Finds("\\x" + HexOf(envelope), number));
  }
}

TEST_F(SealedSearchTest, EnvelopesAreFoundAtEveryPlaceInAValue) {
  for (size_t before = 0; before < 40; ++before) {
    for (const char filler : {'x', 'b', '\xb1', '\0'}) {
      const std::string prefix(before, filler);
      const std::string envelope = EnvelopeOf(Version(9));
      EXPECT_TRUE(Finds(prefix + envelope + "tail", 9)) << before << filler;
      EXPECT_TRUE(Finds(prefix + TextOf(envelope) + "tail", 9)) << before << filler;
      EXPECT_TRUE(Finds(prefix + HexOf(envelope) + "tail", 9)) << before << filler;
    }
  }
}

TEST_F(SealedSearchTest, OneBehindAnotherVersionsIsFound) {
  const std::string other = EnvelopeOf(Version(7));
  const std::string envelope = EnvelopeOf(Version(1));
  EXPECT_TRUE(Finds(other + envelope, 1));
  EXPECT_TRUE(Finds(TextOf(other) + "," + TextOf(envelope), 1));
  EXPECT_TRUE(Finds(HexOf(other) + HexOf(envelope), 1));
}

TEST_F(SealedSearchTest, AlgorithmsToComeAreFound) {
  EXPECT_TRUE(Finds(EnvelopeOf(Version(1), 5, 9), 1));
}

TEST_F(SealedSearchTest, NothingElseIsFound) {
  EXPECT_TRUE(FindsNothing(""));
  EXPECT_TRUE(FindsNothing("bulla1:"));
  EXPECT_TRUE(FindsNothing(std::string(100, '\xb1')));
  EXPECT_TRUE(FindsNothing(std::string(100, 'b')));
  const std::string other = EnvelopeOf(Version(7));
  EXPECT_TRUE(FindsNothing(other));
  EXPECT_TRUE(FindsNothing(TextOf(other)));
  EXPECT_TRUE(FindsNothing(HexOf(other)));
  EXPECT_TRUE(FindsNothing(std::string(AsText(Version(1).bytes))));
  EXPECT_TRUE(FindsNothing(HexOf(std::string(AsText(Version(1).bytes)) + "padding")));
}

TEST_F(SealedSearchTest, CutHeadersAreNotFoundAndNotReadPast) {
  const std::string envelope = EnvelopeOf(Version(1));
  const std::string text = TextOf(envelope);
  const std::string hex = HexOf(envelope);
  for (size_t size = 0; size < kEnvelopeHeaderSize; ++size)
    EXPECT_TRUE(FindsNothing(envelope.substr(0, size))) << size;
  for (size_t size = 0; size < 7 + 24; ++size) EXPECT_TRUE(FindsNothing(text.substr(0, size)));
  for (size_t size = 0; size < 36; ++size) EXPECT_TRUE(FindsNothing(hex.substr(0, size)));
}

TEST_F(SealedSearchTest, WithoutVersionsNothingIsFound) {
  EXPECT_FALSE(SealedSearch().FindIn(AsBytes(EnvelopeOf(Version(1)))));
}

}  // namespace
}  // namespace bulla
