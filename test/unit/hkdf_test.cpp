#include "core/hkdf.h"

#include <gtest/gtest.h>

#include "vectors.h"

namespace bulla {
namespace {

TEST(HkdfTest, AgreesWithRfc5869) {
  for (const auto& vector : LoadVectors("hkdf_sha256.json", "vectors")) {
    SCOPED_TRACE(vector["desc"]);
    const auto want = HexIn(vector, "out");
    std::vector<std::byte> out(want.size());
    ASSERT_TRUE(
        HkdfSha256(HexIn(vector, "key"), HexIn(vector, "salt"), HexIn(vector, "info"), out).ok());
    EXPECT_EQ(out, want);
  }
}

TEST(HkdfTest, RefusesMoreThanItCanGive) {
  std::vector<std::byte> out(255 * 32 + 1);
  EXPECT_FALSE(HkdfSha256(AsBytes("key"), {}, {}, out).ok());
  EXPECT_TRUE(HkdfSha256(AsBytes("key"), {}, {}, MutableBytes(out).first(255 * 32)).ok());
}

}  // namespace
}  // namespace bulla
