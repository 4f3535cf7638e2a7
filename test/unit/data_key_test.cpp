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

Kek KekOf(Bytes key) { return std::move(Kek::Create(KekProvider::kFile, Secret(key))).value(); }

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

TEST(DataKeyTest, WrappedAgreesWithTheVectors) {
  for (const auto& vector : LoadVectors("keys.json", "wrapped")) {
    SCOPED_TRACE(vector["desc"]);
    const Kek kek = KekOf(HexIn(vector, "kek"));
    KeyVersion version;
    const Buffer key_id = HexIn(vector, "key_id");
    std::copy(key_id.begin(), key_id.end(), version.key.bytes.begin());
    version.version = vector["version"].get<uint32_t>();
    const SecretBytes data_key = Secret(HexIn(vector, "data_key"));
    FixedRandom random(HexIn(vector, "nonce"));
    Buffer wrapped(WrappedKeySize(version.algorithm));
    ASSERT_TRUE(WrapDataKey(kek, version, data_key, random, wrapped).ok());
    EXPECT_EQ(wrapped, HexIn(vector, "wrapped"));
    EXPECT_TRUE(random.used_up());
    EXPECT_EQ(WrappedUnder(wrapped).value(), kek.id());

    const Commitment commitment =
        CommitToDataKey(data_key, version.algorithm, version.purpose).value();
    const Result<SecretBytes> unwrapped = UnwrapDataKey(kek, version, commitment, wrapped);
    ASSERT_TRUE(unwrapped.ok()) << unwrapped.error().message;
    EXPECT_TRUE(
        ConstantTimeEqual(unwrapped.value().RevealSecretBytes(), data_key.RevealSecretBytes()));
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

class WrappedKeyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    version_.version = 3;
    version_.key.bytes.fill(std::byte{0x5A});
    FixedRandom random(Buffer(24, std::byte{9}));
    ASSERT_TRUE(WrapDataKey(kek_, version_, data_key_, random, wrapped_).ok());
  }

  Result<SecretBytes> Unwrap(Bytes wrapped) const {
    return UnwrapDataKey(kek_, version_, commitment_, wrapped);
  }
  Code CodeOf(const KeyVersion& version) const {
    const Result<SecretBytes> result = UnwrapDataKey(kek_, version, commitment_, wrapped_);
    EXPECT_FALSE(result.ok());
    return result.error().code;
  }

  Kek kek_ = KekOf(AsBytes("0123456789abcdef0123456789abcdef"));
  SecretBytes data_key_ = Secret(AsBytes("a data key of just 32 bytes ...."));
  KeyVersion version_;
  Commitment commitment_ =
      CommitToDataKey(data_key_, Algorithm::kXaes256Gcm, Purpose::kEncrypt).value();
  Buffer wrapped_ = Buffer(WrappedKeySize(Algorithm::kXaes256Gcm));
};

TEST_F(WrappedKeyTest, EveryFlippedBitIsRefused) {
  for (size_t bit = 0; bit < 8 * wrapped_.size(); ++bit) {
    Buffer bad = wrapped_;
    bad[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    const Result<SecretBytes> result = Unwrap(bad);
    ASSERT_FALSE(result.ok()) << bit;
    EXPECT_EQ(result.error().code, bit < 16       ? Code::kCorrupt
                                   : bit < 18 * 8 ? Code::kFailedPrecondition
                                                  : Code::kAuthenticationFailed)
        << bit;
  }
  EXPECT_TRUE(Unwrap(wrapped_).ok());
}

TEST_F(WrappedKeyTest, EveryOtherLengthIsRefused) {
  Buffer longer = wrapped_;
  longer.push_back(std::byte{0});
  EXPECT_EQ(Unwrap(longer).error().code, Code::kCorrupt);
  for (size_t size = 0; size < wrapped_.size(); ++size)
    EXPECT_EQ(Unwrap(Bytes(wrapped_).first(size)).error().code, Code::kCorrupt) << size;
}

TEST_F(WrappedKeyTest, BelongsToOneVersionOfOneKey) {
  KeyVersion other = version_;
  other.version = 4;
  EXPECT_EQ(CodeOf(other), Code::kAuthenticationFailed);
  other = version_;
  other.key.bytes[15] ^= std::byte{1};
  EXPECT_EQ(CodeOf(other), Code::kAuthenticationFailed);
  other = version_;
  other.purpose = Purpose::kMac;
  EXPECT_EQ(CodeOf(other), Code::kAuthenticationFailed);
  other = version_;
  other.algorithm = Algorithm::kAes256Gcm;
  EXPECT_EQ(CodeOf(other), Code::kAuthenticationFailed);
}

TEST_F(WrappedKeyTest, AnotherCommitmentIsRefused) {
  commitment_.bytes[31] ^= std::byte{1};
  const Result<SecretBytes> result = Unwrap(wrapped_);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::kCorrupt);
}

TEST_F(WrappedKeyTest, AnotherKekIsNamedAlongWithTheRightOne) {
  const Kek other = KekOf(AsBytes("fedcba9876543210fedcba9876543210"));
  const Result<SecretBytes> result = UnwrapDataKey(other, version_, commitment_, wrapped_);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::kFailedPrecondition);
  EXPECT_NE(result.error().message.find(kek_.id().Text()), std::string::npos);
  EXPECT_NE(result.error().message.find(other.id().Text()), std::string::npos);
  EXPECT_NE(result.error().hint.find("bulla.kek"), std::string::npos);
}

TEST_F(WrappedKeyTest, WrapRefusesWhatDoesNotFit) {
  FixedRandom random(Buffer(24));
  const auto code = [&](const KeyVersion& version, const SecretBytes& key, MutableBytes out) {
    const Result<void> result = WrapDataKey(kek_, version, key, random, out);
    return result.ok() ? Code::kInternal : result.error().code;
  };
  KeyVersion zero = version_;
  zero.version = 0;
  EXPECT_EQ(code(zero, data_key_, wrapped_), Code::kInvalidArgument);
  EXPECT_EQ(code(version_, Secret(AsBytes("short")), wrapped_), Code::kInvalidArgument);
  EXPECT_EQ(code(version_, data_key_, MutableBytes(wrapped_).first(10)), Code::kInvalidArgument);
  FailingRandom failing;
  EXPECT_EQ(WrapDataKey(kek_, version_, data_key_, failing, wrapped_).error().code,
            Code::kUnavailable);
}

}  // namespace
}  // namespace bulla
