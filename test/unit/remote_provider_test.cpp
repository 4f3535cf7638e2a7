#include "kms/remote_provider.h"

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "provider_doubles.h"

namespace bulla {
namespace {

// Answers with what it was given, and what it sees of the process it runs in.
class EchoingProvider final : public RemoteProvider {
 public:
  EchoingProvider() : RemoteProvider(KekId{KekKind::kVault, {}}, "echo") {}

  size_t answers_lost = 0;
  std::optional<Error> failure;       // of the batch
  std::optional<Error> item_failure;  // of its last item
  std::string kept;

 private:
  Result<RemoteAnswers> Answer(const std::vector<std::string>& items) const {
    if (failure) return *failure;
    RemoteAnswers answers;
    for (size_t i = 0; i + answers_lost < items.size(); ++i)
      answers.items.push_back(SecretBytes::CopyOf(AsBytes(items[i])));
    if (item_failure) answers.items.back() = *item_failure;
    answers.kept = SecretBytes::CopyOf(AsBytes(kept + std::to_string(getpid()))).value();
    answers.kept_seconds = 60;
    return answers;
  }

  Result<RemoteAnswers> WrapInChild(std::span<const ToWrap> batch,
                                    Waiter::Clock::time_point deadline) override {
    std::vector<std::string> items;
    for (const ToWrap& item : batch)
      items.push_back(std::string(AsText(item.structure->RevealSecretBytes())) + " for " +
                      std::string(AsText(item.binding)));
    if (deadline <= Waiter::Clock::now()) return Error{Code::kUnavailable, "no time is left"};
    return Answer(items);
  }

  Result<RemoteAnswers> UnwrapInChild(std::span<const ToUnwrap> batch,
                                      Waiter::Clock::time_point) override {
    std::vector<std::string> items;
    for (const ToUnwrap& item : batch)
      items.push_back(std::string(AsText(item.sealed)) + " of " +
                      std::string(AsText(item.binding)));
    return Answer(items);
  }

  void Keep(SecretBytes bytes, uint32_t seconds) override {
    EXPECT_EQ(seconds, 60U);
    kept = std::string(AsText(bytes.RevealSecretBytes())) + " ";
  }
};

class RemoteProviderTest : public testing::Test {
 protected:
  std::vector<ToWrap> Structures() {
    return {{&structures_[0], AsBytes("a")}, {&structures_[1], AsBytes("b")}};
  }
  static std::vector<ToUnwrap> Sealed() {
    return {{AsBytes("first"), AsBytes("a")}, {AsBytes("second"), AsBytes("b")}};
  }

  EchoingProvider provider_;
  PollWaiter waiter_;

 private:
  std::array<SecretBytes, 2> structures_ = {SecretBytes::CopyOf(AsBytes("one")).value(),
                                            SecretBytes::CopyOf(AsBytes("two")).value()};
};

TEST_F(RemoteProviderTest, BatchesAreAnsweredInTheirOrder) {
  const auto wrapped = provider_.Wrap(Structures(), waiter_);
  ASSERT_TRUE(wrapped.ok()) << wrapped.error().message;
  ASSERT_EQ(wrapped.value().size(), 2U);
  EXPECT_EQ(AsText(wrapped.value()[0]), "one for a");
  EXPECT_EQ(AsText(wrapped.value()[1]), "two for b");
  const auto opened = provider_.Unwrap(Sealed(), waiter_);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  ASSERT_EQ(opened.value().size(), 2U);
  EXPECT_EQ(AsText(opened.value()[0].value().RevealSecretBytes()), "first of a");
  EXPECT_EQ(AsText(opened.value()[1].value().RevealSecretBytes()), "second of b");
}

TEST_F(RemoteProviderTest, WhatAChildLeavesIsKnownToTheNextOne) {
  const std::string here = std::to_string(getpid()) + " ";
  ASSERT_TRUE(provider_.Unwrap(Sealed(), waiter_).ok());
  const std::string first = provider_.kept;
  EXPECT_NE(first, here);
  ASSERT_TRUE(provider_.Unwrap(Sealed(), waiter_).ok());
  EXPECT_EQ(provider_.kept.substr(0, first.size()), first);
  EXPECT_NE(provider_.kept, first + here);
}

TEST_F(RemoteProviderTest, ErrorsNameTheKek) {
  provider_.failure = Error{Code::kPermissionDenied, "go away", "A hint."};
  const auto opened = provider_.Unwrap(Sealed(), waiter_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, Code::kPermissionDenied);
  EXPECT_EQ(opened.error().message, "KEK vault:echo: go away");
  EXPECT_EQ(opened.error().hint, "A hint.");
}

TEST_F(RemoteProviderTest, AllIsWrappedOrNothingButOpeningAnswersForEach) {
  provider_.item_failure = Error{Code::kAuthenticationFailed, "not this one"};
  const auto wrapped = provider_.Wrap(Structures(), waiter_);
  ASSERT_FALSE(wrapped.ok());
  EXPECT_EQ(wrapped.error().message, "KEK vault:echo: not this one");
  const auto opened = provider_.Unwrap(Sealed(), waiter_);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_TRUE(opened.value()[0].ok());
  ASSERT_FALSE(opened.value()[1].ok());
  EXPECT_EQ(opened.value()[1].error().code, Code::kAuthenticationFailed);
}

TEST_F(RemoteProviderTest, AnswersThatAreMissingAreAnError) {
  provider_.answers_lost = 1;
  const auto opened = provider_.Unwrap(Sealed(), waiter_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, Code::kInternal);
}

}  // namespace
}  // namespace bulla
