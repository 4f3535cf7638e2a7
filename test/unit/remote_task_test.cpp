#include "kms/remote_task.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "provider_doubles.h"

namespace bulla {
namespace {

TEST(RemoteTaskTest, AnswersAndErrorsComeBackAsTheyWere) {
  PollWaiter waiter;
  const auto answers = RunRemotely(
      [&]() -> Result<RemoteAnswers> {
        RemoteAnswers made;
        made.items.push_back(SecretBytes::CopyOf(AsBytes("opened")));
        made.items.push_back(Error{Code::kAuthenticationFailed, "not this one", "A hint."});
        made.kept = SecretBytes::CopyOf(AsBytes("a token")).value();
        made.kept_seconds = 77;
        std::fputs("a remark", stderr);
        return made;
      },
      "the test", waiter);
  ASSERT_TRUE(answers.ok()) << answers.error().message;
  ASSERT_EQ(answers.value().items.size(), 2U);
  EXPECT_EQ(AsText(answers.value().items[0].value().RevealSecretBytes()), "opened");
  EXPECT_EQ(answers.value().items[1].error().code, Code::kAuthenticationFailed);
  EXPECT_EQ(answers.value().items[1].error().message, "not this one");
  EXPECT_EQ(answers.value().items[1].error().hint, "A hint.");
  EXPECT_EQ(AsText(answers.value().kept.RevealSecretBytes()), "a token");
  EXPECT_EQ(answers.value().kept_seconds, 77U);
  EXPECT_EQ(waiter.notes, "the test: a remark\n");
}

TEST(RemoteTaskTest, AnErrorOfTheWholeNamesWhoWasAsked) {
  PollWaiter waiter;
  const auto answers = RunRemotely(
      []() -> Result<RemoteAnswers> {
        return Error{Code::kPermissionDenied, "go away", "A hint."};
      },
      "the test", waiter);
  ASSERT_FALSE(answers.ok());
  EXPECT_EQ(answers.error().code, Code::kPermissionDenied);
  EXPECT_EQ(answers.error().message, "the test: go away");
  EXPECT_EQ(answers.error().hint, "A hint.");
}

TEST(RemoteTaskTest, ALibraryThatCrashesOrEndsTheProcessIsAnError) {
  PollWaiter waiter;
  for (const auto& crash : {+[] { std::abort(); }, +[] { std::raise(SIGSEGV); },
                            +[] { std::_Exit(0); }, +[] { std::_Exit(3); }}) {
    const auto answers = RunRemotely(
        [&]() -> Result<RemoteAnswers> {
          crash();
          return RemoteAnswers{};
        },
        "the test", waiter);
    ASSERT_FALSE(answers.ok());
    EXPECT_EQ(answers.error().code, Code::kUnavailable);
  }
}

TEST(RemoteTaskTest, ATaskThatHangsIsEndedAtTheDeadline) {
  PollWaiter waiter(std::chrono::milliseconds(200));
  const auto answers = RunRemotely(
      []() -> Result<RemoteAnswers> {
        for (;;) pause();
      },
      "the test", waiter);
  ASSERT_FALSE(answers.ok());
  EXPECT_EQ(answers.error().code, Code::kUnavailable);
  EXPECT_EQ(answers.error().message, "the test: no answer within 200 ms");
}

}  // namespace
}  // namespace bulla
