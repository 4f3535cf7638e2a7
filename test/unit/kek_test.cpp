#include "core/kek.h"

#include <utility>

#include <vector>

#include <gtest/gtest.h>

#include "random_doubles.h"
#include "vectors.h"

namespace bulla {
namespace {

TEST(KekTest, IdIsDerivedFromTheKey) {
  for (const auto& vector : LoadVectors("keys.json", "wrapped")) {
    const Result<Kek> kek =
        Kek::Create(KekKind::kFile, SecretBytes::CopyOf(HexIn(vector, "kek")).value());
    ASSERT_TRUE(kek.ok());
    EXPECT_EQ(kek.value().id().Text(), "file:" + vector["kek_id"].get<std::string>());
  }
}

TEST(KekTest, RefusesAKeyOfAnotherSize) {
  for (const size_t size : {1, 16, 31, 33, 64}) {
    const Result<Kek> kek = Kek::Create(KekKind::kFile, SecretBytes::Allocate(size).value());
    ASSERT_FALSE(kek.ok());
    EXPECT_EQ(kek.error().code, Code::kInvalidArgument);
  }
}

TEST(KekTest, SealsAndOpensWithTheSameAssociatedDataOnly) {
  const Kek kek =
      Kek::Create(KekKind::kFile,
                  SecretBytes::CopyOf(AsBytes("0123456789abcdef0123456789abcdef")).value())
          .value();
  const SecretBytes secret = SecretBytes::CopyOf(AsBytes("a secret")).value();
  FixedRandom random(std::vector<std::byte>(24, std::byte{9}));
  std::vector<std::byte> sealed(Kek::SealedSize(secret.size()));
  ASSERT_TRUE(kek.Seal(AsBytes("here"), secret, random, sealed).ok());
  const Result<SecretBytes> opened = kek.Open(AsBytes("here"), sealed);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(AsText(opened.value().RevealSecretBytes()), "a secret");
  EXPECT_EQ(kek.Open(AsBytes("there"), sealed).error().code, Code::kAuthenticationFailed);
  for (size_t size = 0; size <= Kek::SealedSize(0); ++size)
    EXPECT_EQ(kek.Open(AsBytes("here"), Bytes(sealed).first(size)).error().code, Code::kCorrupt);
  FailingRandom failing;
  EXPECT_EQ(kek.Seal(AsBytes("here"), secret, failing, sealed).error().code, Code::kUnavailable);
}

TEST(KekTest, ANameGivesTheIdThatTheVectorsSay) {
  for (const auto& vector : LoadVectors("keys.json", "kek_names")) {
    const Result<KekKind> kind = KekKindFromByte(std::byte{vector["kind"].get<uint8_t>()});
    ASSERT_TRUE(kind.ok());
    EXPECT_EQ(NamedKekId(kind.value(), vector["name"].get<std::string>()).value().Text(),
              vector["kek_id"].get<std::string>());
  }
}

TEST(KekTest, KindsThatWereNeverDefinedAreCorrupt) {
  for (unsigned value = 0; value < 256; ++value)
    EXPECT_EQ(KekKindFromByte(static_cast<std::byte>(value)).ok(), value >= 1 && value <= 4)
        << value;
}

}  // namespace
}  // namespace bulla
