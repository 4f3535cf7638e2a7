#include "core/key_version.h"

#include <gtest/gtest.h>

namespace bulla {
namespace {

TEST(KeyVersionTest, ImplementedNamesAreAccepted) {
  EXPECT_EQ(ParseAlgorithm("XAES-256-GCM").value(), Algorithm::kXaes256Gcm);
  EXPECT_EQ(ParsePurpose("encrypt").value(), Purpose::kEncrypt);
}

TEST(KeyVersionTest, OtherNamesAreRefusedAndTheHintSaysWhatIsAllowed) {
  for (const char* name : {"", "xaes-256-gcm", "XAES-256-GCM ", "AES-256-GCM",
                           "AES-256-CBC-HMAC-SHA-512", "hunter2"}) {
    const Result<Algorithm> parsed = ParseAlgorithm(name);
    ASSERT_FALSE(parsed.ok()) << name;
    EXPECT_EQ(parsed.error().code, Code::kInvalidArgument);
    EXPECT_EQ(parsed.error().message, "unknown algorithm");
    EXPECT_EQ(parsed.error().hint, "Allowed: XAES-256-GCM.");
  }
  for (const char* name : {"", "Encrypt", "index", "mac", "log", "jwt", "bundle", "hunter2"}) {
    const Result<Purpose> parsed = ParsePurpose(name);
    ASSERT_FALSE(parsed.ok()) << name;
    EXPECT_EQ(parsed.error().message, "unknown purpose of a key");
    EXPECT_EQ(parsed.error().hint, "Allowed: encrypt.");
  }
}

TEST(KeyVersionTest, NamesAreThoseOfTheDesign) {
  EXPECT_EQ(Name(Algorithm::kXaes256Gcm), "XAES-256-GCM");
  EXPECT_EQ(Name(Algorithm::kAes256CbcHmacSha512), "AES-256-CBC-HMAC-SHA-512");
  EXPECT_EQ(Name(Purpose::kEncrypt), "encrypt");
  EXPECT_EQ(Name(Purpose::kBundle), "bundle");
}

TEST(KeyVersionTest, EveryAlgorithmByteIsImplementedReservedOrUnknown) {
  for (unsigned value = 0; value < 256; ++value) {
    const Result<Algorithm> algorithm = AlgorithmFromByte(static_cast<std::byte>(value));
    EXPECT_EQ(algorithm.ok(), value == 1) << value;
    if (algorithm.ok()) continue;
    EXPECT_EQ(algorithm.error().code,
              value == 2 || value == 3 ? Code::kFailedPrecondition : Code::kCorrupt)
        << value;
  }
}

}  // namespace
}  // namespace bulla
