#include "core/kek.h"

#include <utility>

#include <gtest/gtest.h>

#include "vectors.h"

namespace bulla {
namespace {

TEST(KekTest, IdIsDerivedFromTheKey) {
  for (const auto& vector : LoadVectors("keys.json", "wrapped")) {
    const Result<Kek> kek =
        Kek::Create(KekProvider::kFile, SecretBytes::CopyOf(HexIn(vector, "kek")).value());
    ASSERT_TRUE(kek.ok());
    EXPECT_EQ(kek.value().id().Text(), "file:" + vector["kek_id"].get<std::string>());
  }
}

TEST(KekTest, RefusesAKeyOfAnotherSize) {
  for (const size_t size : {1, 16, 31, 33, 64}) {
    const Result<Kek> kek = Kek::Create(KekProvider::kFile, SecretBytes::Allocate(size).value());
    ASSERT_FALSE(kek.ok());
    EXPECT_EQ(kek.error().code, Code::kInvalidArgument);
  }
}

}  // namespace
}  // namespace bulla
