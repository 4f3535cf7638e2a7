#include "kms/wrapping.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "provider_doubles.h"

namespace bulla {
namespace {

constexpr KekId kOld{KekKind::kCommand, {}};
constexpr KekId kNew{KekKind::kVault, {}};

class WrappingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::vector<std::unique_ptr<KekProvider>> both;
    both.push_back(std::make_unique<FlippingProvider>(kNew));
    both.push_back(std::make_unique<FlippingProvider>(kOld));
    keks_ = std::make_unique<KekList>(std::move(both));
  }
  FlippingProvider& Of(const KekId& id) {
    return static_cast<FlippingProvider&>(*keks_->Find(id).value());
  }

  // A key whose bytes and version are told by a number, wrapped under one of the two.
  void Add(const KekId& kek, uint32_t number) {
    KeyVersion version;
    version.version = number;
    const SecretBytes data_key =
        SecretBytes::CopyOf(std::vector<std::byte>(32, static_cast<std::byte>(number))).value();
    const PlainKey key{version, &data_key};
    wrapped_.push_back(WrapDataKeys(Of(kek), {&key, 1}, waiter_).value()[0]);
    keys_.push_back(
        {version, CommitToDataKey(data_key, version.algorithm, version.purpose).value(), {}});
    for (size_t i = 0; i < keys_.size(); ++i) keys_[i].wrapped = wrapped_[i];
  }

  PollWaiter waiter_;
  std::unique_ptr<KekList> keks_;
  std::vector<ByteString> wrapped_;
  std::vector<StoredKey> keys_;
};

TEST_F(WrappingTest, KeysOfSeveralKeksAreUnwrappedWithOneBatchForEach) {
  for (uint32_t number = 1; number <= 6; ++number) Add(number % 2 == 0 ? kNew : kOld, number);
  Of(kOld).batches.clear();
  Of(kNew).batches.clear();
  const auto unwrapped = UnwrapDataKeys(*keks_, keys_, waiter_);
  ASSERT_TRUE(unwrapped.ok());
  for (size_t i = 0; i < keys_.size(); ++i) {
    ASSERT_TRUE(unwrapped.value()[i].ok()) << i;
    EXPECT_EQ(unwrapped.value()[i].value().RevealSecretBytes()[0], static_cast<std::byte>(i + 1));
  }
  EXPECT_EQ(Of(kOld).batches, std::vector<size_t>{3});
  EXPECT_EQ(Of(kNew).batches, std::vector<size_t>{3});
}

TEST_F(WrappingTest, WhatIsWrongWithOneKeyIsSaidOfItAlone) {
  for (uint32_t number = 1; number <= 4; ++number) Add(kOld, number);
  wrapped_[0][20] ^= std::byte{1};  // its structure
  wrapped_[1][2] ^= std::byte{1};   // the id of its KEK
  wrapped_[2][0] ^= std::byte{1};   // its format
  const auto unwrapped = UnwrapDataKeys(*keks_, keys_, waiter_);
  ASSERT_TRUE(unwrapped.ok());
  EXPECT_EQ(unwrapped.value()[0].error().code, Code::kCorrupt);
  EXPECT_EQ(unwrapped.value()[1].error().code, Code::kFailedPrecondition);
  EXPECT_EQ(unwrapped.value()[2].error().code, Code::kCorrupt);
  EXPECT_TRUE(unwrapped.value()[3].ok());
}

// Who has a KEK's public part can wrap a key of his own: the commitment refuses it.
TEST_F(WrappingTest, AKeyThatSomebodyElseWrappedIsRefused) {
  Add(kOld, 1);
  const SecretBytes forged = SecretBytes::CopyOf(std::vector<std::byte>(32)).value();
  const PlainKey key{keys_[0].version, &forged};
  wrapped_[0] = WrapDataKeys(Of(kOld), {&key, 1}, waiter_).value()[0];
  keys_[0].wrapped = wrapped_[0];
  const auto unwrapped = UnwrapDataKeys(*keks_, keys_, waiter_);
  EXPECT_EQ(unwrapped.value()[0].error().code, Code::kCorrupt);
}

TEST_F(WrappingTest, AnOutageOfOneKekStopsItsOwnKeysAlone) {
  Add(kOld, 1);
  Add(kNew, 2);
  Of(kOld).failure = Error{Code::kUnavailable, "away"};
  const auto unwrapped = UnwrapDataKeys(*keks_, keys_, waiter_);
  ASSERT_TRUE(unwrapped.ok());
  EXPECT_EQ(unwrapped.value()[0].error().code, Code::kUnavailable);
  EXPECT_TRUE(unwrapped.value()[1].ok());
}

TEST_F(WrappingTest, ACancelledBatchIsCancelledAsAWhole) {
  Add(kOld, 1);
  Add(kNew, 2);
  Of(kOld).failure = Error{Code::kCancelled, "stop"};
  EXPECT_EQ(UnwrapDataKeys(*keks_, keys_, waiter_).error().code, Code::kCancelled);
  EXPECT_EQ(RewrapDataKeys(*keks_, keys_, waiter_).error().code, Code::kCancelled);
}

TEST_F(WrappingTest, RewrappingMovesAllThatCanBeUnwrappedUnderTheFirst) {
  for (uint32_t number = 1; number <= 4; ++number) Add(number % 2 == 0 ? kNew : kOld, number);
  wrapped_[2][20] ^= std::byte{1};
  Of(kNew).batches.clear();
  auto rewrapped = RewrapDataKeys(*keks_, keys_, waiter_);
  ASSERT_TRUE(rewrapped.ok());
  EXPECT_EQ(Of(kNew).batches, (std::vector<size_t>{2, 3}));
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (i == 2) {
      EXPECT_EQ(rewrapped.value()[i].error().code, Code::kCorrupt);
      continue;
    }
    ASSERT_TRUE(rewrapped.value()[i].ok());
    EXPECT_EQ(SplitWrapped(rewrapped.value()[i].value()).value().kek, kNew);
    keys_[i].wrapped = rewrapped.value()[i].value();
  }
  const auto unwrapped = UnwrapDataKeys(*keks_, keys_, waiter_);
  EXPECT_EQ(unwrapped.value()[3].value().RevealSecretBytes()[0], std::byte{4});
}

TEST_F(WrappingTest, NothingIsRewrappedWhereTheFirstIsAway) {
  Add(kOld, 1);
  Of(kNew).failure = Error{Code::kUnavailable, "away"};
  EXPECT_EQ(RewrapDataKeys(*keks_, keys_, waiter_).error().code, Code::kUnavailable);
}

TEST_F(WrappingTest, BatchesAreBounded) {
  Add(kOld, 1);
  const std::vector<StoredKey> many(kMaxBatch + 1, keys_[0]);
  EXPECT_EQ(UnwrapDataKeys(*keks_, many, waiter_).error().code, Code::kInvalidArgument);
  EXPECT_TRUE(UnwrapDataKeys(*keks_, std::span(many).first(kMaxBatch), waiter_).ok());
}

}  // namespace
}  // namespace bulla
