#include "core/blind_index.h"

#include <gtest/gtest.h>

#include "vectors.h"

namespace bulla {
namespace {

BlindIndexKey KeyOf(Bytes bytes) {
  return BlindIndexKey::Create(SecretBytes::CopyOf(bytes).value()).value();
}

std::vector<std::byte> Compute(BlindIndexKey* key, Bytes context, Bytes value, size_t size = 32) {
  std::vector<std::byte> index(size);
  EXPECT_TRUE(key->Compute(context, value, index).ok());
  return index;
}

TEST(BlindIndexTest, AgreesWithTheSpecification) {
  for (const auto& vector : LoadVectors("blind_index.json", "vectors")) {
    SCOPED_TRACE(vector["desc"]);
    BlindIndexKey key = KeyOf(HexIn(vector, "data_key"));
    const Result<size_t> size = BlindIndexSize(vector["bits"].get<int>());
    ASSERT_TRUE(size.ok());
    EXPECT_EQ(ToHex(Compute(&key, HexIn(vector, "context"), HexIn(vector, "value"), size.value())),
              vector["index"].get<std::string>());
  }
}

TEST(BlindIndexTest, OneKeyServesContextsInAnyOrder) {
  const auto vectors = LoadVectors("blind_index.json", "vectors");
  BlindIndexKey key = KeyOf(HexIn(vectors[0], "data_key"));
  for (int round = 0; round < 2; ++round) {
    for (const auto& vector : vectors) {
      const std::string mac = vector["mac"].get<std::string>();
      EXPECT_EQ(ToHex(Compute(&key, HexIn(vector, "context"), HexIn(vector, "value"))), mac);
      EXPECT_EQ(ToHex(Compute(&key, HexIn(vector, "context"), HexIn(vector, "value"))), mac);
    }
  }
}

TEST(BlindIndexTest, ContextAndValueDoNotRunIntoEachOther) {
  BlindIndexKey key = KeyOf(std::vector<std::byte>(32, std::byte{7}));
  EXPECT_NE(Compute(&key, AsBytes("ab"), AsBytes("c")), Compute(&key, AsBytes("a"), AsBytes("bc")));
  EXPECT_NE(Compute(&key, AsBytes(""), AsBytes("c")),
            Compute(&key, AsBytes(std::string_view("\0", 1)), AsBytes("c")));
}

TEST(BlindIndexTest, OtherKeysGiveOtherIndexes) {
  BlindIndexKey one = KeyOf(std::vector<std::byte>(32, std::byte{1}));
  BlindIndexKey two = KeyOf(std::vector<std::byte>(32, std::byte{2}));
  EXPECT_NE(Compute(&one, AsBytes("c"), AsBytes("v")), Compute(&two, AsBytes("c"), AsBytes("v")));
}

TEST(BlindIndexTest, BitsAreAMultipleOfEightFrom8To256) {
  for (int bits = 8; bits <= 256; bits += 8)
    EXPECT_EQ(BlindIndexSize(bits).value(), static_cast<size_t>(bits) / 8);
  for (const auto& bits : LoadVectors("blind_index.json", "bits_refused")) {
    const Result<size_t> size = BlindIndexSize(bits.get<int>());
    ASSERT_FALSE(size.ok()) << bits;
    EXPECT_EQ(size.error().code, Code::kInvalidArgument);
    EXPECT_EQ(size.error().hint, "Allowed: multiples of 8 from 8 to 256.");
  }
}

TEST(BlindIndexTest, AContextThatIsTooLongIsRefusedAndChangesNothing) {
  BlindIndexKey key = KeyOf(std::vector<std::byte>(32, std::byte{1}));
  const auto before = Compute(&key, AsBytes("c"), AsBytes("v"));
  const std::string context(BlindIndexKey::kMaxContextSize + 1, 'c');
  std::vector<std::byte> index(32);
  const Result<void> refused = key.Compute(AsBytes(context), AsBytes("v"), index);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  EXPECT_EQ(refused.error().message, "the context of a blind index has more than 512 bytes");
  EXPECT_EQ(Compute(&key, AsBytes("c"), AsBytes("v")), before);
}

TEST(BlindIndexTest, KeysAndOutputsOfOtherSizesAreRefused) {
  for (const size_t size : {size_t{1}, size_t{16}, size_t{31}, size_t{33}, size_t{64}}) {
    EXPECT_FALSE(BlindIndexKey::Create(SecretBytes::Allocate(size).value()).ok()) << size;
  }
  BlindIndexKey key = KeyOf(std::vector<std::byte>(32));
  std::vector<std::byte> index(33);
  EXPECT_FALSE(key.Compute({}, {}, index).ok());
  EXPECT_FALSE(key.Compute({}, {}, {}).ok());
}

}  // namespace
}  // namespace bulla
