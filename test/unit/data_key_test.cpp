#include "core/data_key.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "random_doubles.h"
#include "vectors.h"

namespace bulla {
namespace {

using Buffer = std::vector<std::byte>;

SecretBytes Secret(Bytes bytes) { return std::move(SecretBytes::CopyOf(bytes)).value(); }

Kek KekOf(Bytes key) { return std::move(Kek::Create(KekKind::kFile, Secret(key))).value(); }

TEST(DataKeyTest, CommitmentAgreesWithTheVectors) {
  for (const auto& vector : LoadVectors("keys.json", "commitments")) {
    SCOPED_TRACE(vector["desc"]);
    const Result<Commitment> commitment =
        CommitToDataKey(Secret(HexIn(vector, "data_key")),
                        static_cast<Algorithm>(vector["algorithm"].get<uint8_t>()),
                        static_cast<Purpose>(vector["purpose"].get<uint8_t>()));
    ASSERT_TRUE(commitment.ok());
    EXPECT_EQ(ToHex(commitment.value().bytes), vector["commitment"].get<std::string>());
    EXPECT_EQ(ToHex(commitment.value().version_id().bytes),
              vector["version_id"].get<std::string>());
  }
}

// The version that a vector describes.
KeyVersion VersionOf(const nlohmann::json& vector) {
  KeyVersion version;
  const Buffer key_id = HexIn(vector, "key_id");
  std::copy(key_id.begin(), key_id.end(), version.key.bytes.begin());
  version.version = vector["version"].get<uint32_t>();
  return version;
}

TEST(DataKeyTest, WrappedAgreesWithTheVectors) {
  for (const auto& vector : LoadVectors("keys.json", "wrapped")) {
    SCOPED_TRACE(vector["desc"]);
    const Kek kek = KekOf(HexIn(vector, "kek"));
    const KeyVersion version = VersionOf(vector);
    const SecretBytes data_key = Secret(HexIn(vector, "data_key"));
    const Result<SecretBytes> structure = JoinStructure(version, data_key);
    ASSERT_TRUE(structure.ok());
    EXPECT_EQ(ToHex(structure.value().RevealSecretBytes()), vector["structure"]);
    const WrapBinding binding = BindTo(kek.id(), version);
    EXPECT_EQ(ToHex(binding), vector["aad"]);
    FixedRandom random(HexIn(vector, "nonce"));
    Buffer sealed(Kek::SealedSize(structure.value().size()));
    ASSERT_TRUE(kek.Seal(binding, structure.value(), random, sealed).ok());
    EXPECT_TRUE(random.used_up());
    const Buffer wrapped = JoinWrapped(kek.id(), sealed);
    EXPECT_EQ(wrapped, HexIn(vector, "wrapped"));

    const Result<WrappedParts> parts = SplitWrapped(wrapped);
    ASSERT_TRUE(parts.ok());
    EXPECT_EQ(parts.value().kek, kek.id());
    EXPECT_TRUE(SameBytes(parts.value().sealed, sealed));
    const Result<SecretBytes> taken =
        TakeDataKey(structure.value(), version,
                    CommitToDataKey(data_key, version.algorithm, version.purpose).value());
    ASSERT_TRUE(taken.ok()) << taken.error().message;
    EXPECT_TRUE(ConstantTimeEqual(taken.value().RevealSecretBytes(), data_key.RevealSecretBytes()));
  }
}

TEST(DataKeyTest, GeneratesFromTheSecretSource) {
  FixedRandom random(Buffer(32, std::byte{5}));
  const Result<SecretBytes> key = GenerateDataKey(Algorithm::kXaes256Gcm, random);
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(ToHex(key.value().RevealSecretBytes()), ToHex(Buffer(32, std::byte{5})));
  FailingRandom failing;
  EXPECT_EQ(GenerateDataKey(Algorithm::kXaes256Gcm, failing).error().code, Code::kUnavailable);
}

class StructureTest : public ::testing::Test {
 protected:
  void SetUp() override {
    version_.version = 3;
    version_.key.bytes.fill(std::byte{0x5A});
  }
  Code CodeOf(const KeyVersion& version, Bytes structure) const {
    const Result<SecretBytes> taken = TakeDataKey(Secret(structure), version, commitment_);
    return taken.ok() ? Code::kInternal : taken.error().code;
  }

  SecretBytes data_key_ = Secret(AsBytes("a data key of just 32 bytes ...."));
  KeyVersion version_;
  Commitment commitment_ =
      CommitToDataKey(data_key_, Algorithm::kXaes256Gcm, Purpose::kEncrypt).value();
};

// What a KMS without associated data, or one whose public key anybody has, hands back is judged by this.
TEST_F(StructureTest, EveryFlippedBitAndEveryOtherLengthIsRefused) {
  const SecretBytes structure = JoinStructure(version_, data_key_).value();
  const Bytes bytes = structure.RevealSecretBytes();
  ASSERT_TRUE(TakeDataKey(structure, version_, commitment_).ok());
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    Buffer bad(bytes.begin(), bytes.end());
    bad[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    EXPECT_EQ(CodeOf(version_, bad), Code::kCorrupt) << bit;
  }
  Buffer longer(bytes.begin(), bytes.end());
  longer.push_back(std::byte{0});
  EXPECT_EQ(CodeOf(version_, longer), Code::kCorrupt);
  for (size_t size = 1; size < bytes.size(); ++size)
    EXPECT_EQ(CodeOf(version_, bytes.first(size)), Code::kCorrupt) << size;
}

TEST_F(StructureTest, BelongsToOneVersionOfOneKey) {
  const SecretBytes structure = JoinStructure(version_, data_key_).value();
  KeyVersion other = version_;
  other.version = 4;
  EXPECT_EQ(CodeOf(other, structure.RevealSecretBytes()), Code::kCorrupt);
  other = version_;
  other.key.bytes[15] ^= std::byte{1};
  EXPECT_EQ(CodeOf(other, structure.RevealSecretBytes()), Code::kCorrupt);
  other = version_;
  other.purpose = Purpose::kMac;
  EXPECT_EQ(CodeOf(other, structure.RevealSecretBytes()), Code::kCorrupt);
  other = version_;
  other.algorithm = Algorithm::kAes256Gcm;
  EXPECT_EQ(CodeOf(other, structure.RevealSecretBytes()), Code::kCorrupt);
}

TEST_F(StructureTest, AnotherDataKeyThanWasCommittedToIsRefused) {
  const SecretBytes forged =
      JoinStructure(version_, Secret(AsBytes("a key that somebody made up ...."))).value();
  EXPECT_EQ(CodeOf(version_, forged.RevealSecretBytes()), Code::kCorrupt);
}

TEST_F(StructureTest, RefusesWhatDoesNotFit) {
  KeyVersion zero = version_;
  zero.version = 0;
  EXPECT_EQ(JoinStructure(zero, data_key_).error().code, Code::kInvalidArgument);
  EXPECT_EQ(JoinStructure(version_, Secret(AsBytes("short"))).error().code, Code::kInvalidArgument);
}

TEST(WrappedTest, WhatHasNoHeaderOrAnUnknownOneIsCorrupt) {
  const KekId kek{KekKind::kVault, {}};
  const Buffer wrapped = JoinWrapped(kek, AsBytes("sealed"));
  ASSERT_TRUE(SplitWrapped(wrapped).ok());
  for (size_t size = 0; size <= 18; ++size)
    EXPECT_EQ(SplitWrapped(Bytes(wrapped).first(size)).error().code, Code::kCorrupt) << size;
  for (unsigned value = 0; value < 256; ++value) {
    Buffer other = wrapped;
    other[0] = static_cast<std::byte>(value);
    EXPECT_EQ(SplitWrapped(other).ok(), value == 0xB2) << value;
    other = wrapped;
    other[1] = static_cast<std::byte>(value);
    EXPECT_EQ(SplitWrapped(other).ok(), value >= 1 && value <= 4) << value;
  }
}

}  // namespace
}  // namespace bulla
