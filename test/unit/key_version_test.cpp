#include "core/key_version.h"

#include <gtest/gtest.h>

namespace bulla {
namespace {

TEST(KeyVersionTest, ImplementedNamesAreAccepted) {
  EXPECT_EQ(ParseAlgorithm("XAES-256-GCM", Purpose::kEncrypt).value(), Algorithm::kXaes256Gcm);
  EXPECT_EQ(ParseAlgorithm("HMAC-SHA-256", Purpose::kIndex).value(), Algorithm::kHmacSha256);
  EXPECT_EQ(ParsePurpose("encrypt").value(), Purpose::kEncrypt);
  EXPECT_EQ(ParsePurpose("index").value(), Purpose::kIndex);
}

TEST(KeyVersionTest, OtherNamesAreRefusedAndTheHintSaysWhatIsAllowed) {
  for (const char* name :
       {"", "xaes-256-gcm", "XAES-256-GCM ", "AES-128-GCM", "HMAC-SHA-256", "hunter2"}) {
    const Result<Algorithm> parsed = ParseAlgorithm(name, Purpose::kEncrypt);
    ASSERT_FALSE(parsed.ok()) << name;
    EXPECT_EQ(parsed.error().code, Code::kInvalidArgument);
    EXPECT_EQ(parsed.error().message, "unknown algorithm for purpose encrypt");
    EXPECT_EQ(parsed.error().hint, "Allowed: XAES-256-GCM, AES-256-GCM, AES-256-CBC-HMAC-SHA-512.");
  }
  for (const char* name : {"", "XAES-256-GCM", "HMAC-SHA-512"}) {
    const Result<Algorithm> parsed = ParseAlgorithm(name, Purpose::kIndex);
    ASSERT_FALSE(parsed.ok()) << name;
    EXPECT_EQ(parsed.error().message, "unknown algorithm for purpose index");
    EXPECT_EQ(parsed.error().hint, "Allowed: HMAC-SHA-256.");
  }
  for (const char* name : {"", "Encrypt", "mac", "log", "jwt", "bundle", "hunter2"}) {
    const Result<Purpose> parsed = ParsePurpose(name);
    ASSERT_FALSE(parsed.ok()) << name;
    EXPECT_EQ(parsed.error().message, "unknown purpose of a key");
    EXPECT_EQ(parsed.error().hint, "Allowed: encrypt, index.");
  }
}

TEST(KeyVersionTest, TheSigningKeyCanBeReadAndNotBeMadeByName) {
  EXPECT_EQ(ParseStoredPurpose("log").value(), Purpose::kLog);
  EXPECT_EQ(ParseAlgorithm("Ed25519", Purpose::kLog).value(), Algorithm::kEd25519);
  EXPECT_FALSE(ParseAlgorithm("XAES-256-GCM", Purpose::kLog).ok());
  EXPECT_FALSE(ParseAlgorithm("Ed25519", Purpose::kEncrypt).ok());
  for (const char* name : {"mac", "jwt", "bundle"}) EXPECT_FALSE(ParseStoredPurpose(name).ok());
}

TEST(KeyVersionTest, TheDefaultAlgorithmFitsItsPurpose) {
  for (const Purpose purpose : {Purpose::kEncrypt, Purpose::kIndex, Purpose::kLog}) {
    EXPECT_EQ(ParseAlgorithm(Name(DefaultAlgorithm(purpose)), purpose).value(),
              DefaultAlgorithm(purpose));
  }
}

TEST(KeyVersionTest, NamesAreThoseOfTheDesign) {
  EXPECT_EQ(Name(Algorithm::kXaes256Gcm), "XAES-256-GCM");
  EXPECT_EQ(Name(Algorithm::kAes256CbcHmacSha512), "AES-256-CBC-HMAC-SHA-512");
  EXPECT_EQ(Name(Algorithm::kHmacSha256), "HMAC-SHA-256");
  EXPECT_EQ(Name(Purpose::kEncrypt), "encrypt");
  EXPECT_EQ(Name(Purpose::kBundle), "bundle");
}

TEST(KeyVersionTest, EveryOtherAlgorithmByteIsUnknown) {
  for (unsigned value = 0; value < 256; ++value) {
    const Result<Algorithm> algorithm = AlgorithmFromByte(static_cast<std::byte>(value));
    EXPECT_EQ(algorithm.ok(), value >= 1 && value <= 3) << value;
    if (!algorithm.ok()) {
      EXPECT_EQ(algorithm.error().code, Code::kCorrupt) << value;
    }
  }
}

}  // namespace
}  // namespace bulla
