#include "core/hmac_sha256.h"

#include <gtest/gtest.h>

#include "vectors.h"

namespace bulla {
namespace {

TEST(HmacSha256Test, EqualsTheExamplesOfRfc4231) {
  Sha256 hasher;
  for (const auto& vector : LoadVectors("openings.json", "hmac")) {
    const std::vector<std::byte> message = HexIn(vector, "message");
    const Bytes all = message;
    for (size_t split = 0; split <= all.size(); ++split) {
      Sha256Digest mac;
      ASSERT_TRUE(
          HmacSha256(HexIn(vector, "key"), {all.first(split), all.subspan(split)}, &hasher, &mac));
      EXPECT_EQ(ToHex(mac.bytes), vector["mac"].get<std::string>());
    }
  }
}

TEST(HmacSha256Test, RefusesAKeyThatWouldHaveToBeHashedFirst) {
  Sha256 hasher;
  Sha256Digest mac;
  EXPECT_TRUE(HmacSha256(std::vector<std::byte>(kHmacKeyLimit), {}, &hasher, &mac));
  EXPECT_FALSE(HmacSha256(std::vector<std::byte>(kHmacKeyLimit + 1), {}, &hasher, &mac));
}

}  // namespace
}  // namespace bulla
