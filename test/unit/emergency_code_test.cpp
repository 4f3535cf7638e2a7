#include "core/emergency_code.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "core/hex.h"
#include "random_doubles.h"

namespace bulla {
namespace {

std::vector<std::byte> CountingBytes() {
  std::vector<std::byte> bytes(16);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(0xA0 + i);
  return bytes;
}

constexpr std::string_view kCode = "a0a1-a2a3-a4a5-a6a7-a8a9-aaab-acad-aeaf";

std::string Made(Random& random, Sha256Digest* digest) {
  std::array<char, kEmergencyCodeSize> code;
  const auto made = MakeEmergencyCode(random, code);
  EXPECT_TRUE(made.ok());
  *digest = made.value();
  return {code.data(), code.size()};
}

TEST(EmergencyCodeTest, AllRandomBitsStandInTheCode) {
  FixedRandom random(CountingBytes());
  Sha256Digest digest;
  EXPECT_EQ(Made(random, &digest), kCode);
  EXPECT_TRUE(random.used_up());
}

// printf 'bulla.emergency.v1\0\xa0\xa1…\xaf' | sha256sum
TEST(EmergencyCodeTest, DigestIsThatOfDomainAndBytes) {
  FixedRandom random(CountingBytes());
  Sha256Digest digest;
  Made(random, &digest);
  std::string hex(64, ' ');
  EncodeHex(digest.bytes, hex.data());
  EXPECT_EQ(hex, "61f14e8d9ed232c309463601cb3962eac0f3b8d9f8ceb37db6222690dc7fc60e");
}

TEST(EmergencyCodeTest, WhatWasMadeIsKnownAgainHoweverItIsTyped) {
  FixedRandom random(CountingBytes());
  Sha256Digest digest;
  Made(random, &digest);
  for (const std::string& typed :
       {std::string(kCode), std::string("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"),
        std::string("A0A1 A2A3 A4A5 A6A7 A8A9 AAAB ACAD AEAF\n"),
        std::string("  a0a1-a2a3-a4a5-a6a7-\ta8a9-aaab-acad-aeaf  ")}) {
    const auto again = DigestOfEmergencyCode(typed);
    ASSERT_TRUE(again.has_value()) << typed;
    EXPECT_TRUE(SameDigest(*again, digest)) << typed;
  }
}

TEST(EmergencyCodeTest, EveryOtherDigitIsAnotherCode) {
  FixedRandom random(CountingBytes());
  Sha256Digest digest;
  const std::string code = Made(random, &digest);
  for (size_t i = 0; i < code.size(); ++i) {
    if (code[i] == '-') continue;
    std::string other = code;
    other[i] = other[i] == '0' ? '1' : '0';
    const auto typed = DigestOfEmergencyCode(other);
    ASSERT_TRUE(typed.has_value()) << other;
    EXPECT_FALSE(SameDigest(*typed, digest)) << other;
  }
}

TEST(EmergencyCodeTest, WhatCannotBeACodeIsNone) {
  std::string code(kCode);
  for (size_t size = 0; size < code.size(); ++size)
    EXPECT_FALSE(DigestOfEmergencyCode(code.substr(0, size)).has_value()) << size;
  for (const std::string& typed : {code + "0", code + "g", "g" + code.substr(1),
                                   code.substr(0, 38) + '\0', std::string(1'000'000, 'a')})
    EXPECT_FALSE(DigestOfEmergencyCode(typed).has_value());
}

TEST(EmergencyCodeTest, FailsWhereThereIsNoRandomness) {
  FailingRandom random;
  std::array<char, kEmergencyCodeSize> code;
  EXPECT_FALSE(MakeEmergencyCode(random, code).ok());
}

TEST(EmergencyCodeTest, AttemptsAreSlowedFromTheFourthOnAndNeverWithoutEnd) {
  for (const int64_t attempt : {-1, 0, 1, 2, 3}) EXPECT_EQ(DelayOfAttempt(attempt), 0);
  constexpr int64_t kSlowed[] = {1'000, 2'000, 4'000, 8'000, 16'000, 30'000, 30'000};
  for (int64_t i = 0; i < std::ssize(kSlowed); ++i) EXPECT_EQ(DelayOfAttempt(4 + i), kSlowed[i]);
  EXPECT_EQ(DelayOfAttempt(1'000'000), 30'000);
  EXPECT_EQ(DelayOfAttempt(INT64_MAX), 30'000);
}

}  // namespace
}  // namespace bulla
