#include "kms/child.h"

#include <csignal>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "provider_doubles.h"

namespace bulla {
namespace {

using std::chrono::milliseconds;

class ChildTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { signal(SIGPIPE, SIG_IGN); }  // as a backend does

  // Runs a shell command; what it printed is in output_.
  Result<ChildEnd> Run(const std::string& command, const std::string& input = "",
                       size_t room = 1000) {
    output_.assign(room, std::byte{0});
    return RunChild(
        [&] {
          execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
          return 127;
        },
        AsBytes(input), output_, waiter_);
  }
  std::string Printed(const Result<ChildEnd>& end) const {
    return std::string(AsText(Bytes(output_).first(end.value().output_size)));
  }
  static bool NoChildIsLeft() { return waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

  PollWaiter waiter_{milliseconds(20'000)};
  std::vector<std::byte> output_;
};

TEST_F(ChildTest, HandsItsInputInAndItsOutputOut) {
  const auto end = Run("tr a-z A-Z; echo told >&2", "some words");
  ASSERT_TRUE(end.ok()) << end.error().message;
  EXPECT_TRUE(end.value().succeeded());
  EXPECT_EQ(Printed(end), "SOME WORDS");
  EXPECT_EQ(end.value().errors, "told ");
  EXPECT_TRUE(NoChildIsLeft());
}

TEST_F(ChildTest, InputLargerThanAPipeGoesThrough) {
  const auto end = Run("wc -c", std::string(300'000, 'x'));
  EXPECT_EQ(Printed(end), "300000\n");
}

TEST_F(ChildTest, InputThatIsNotWantedIsNoError) {
  const auto end = Run("exec <&-; echo done", std::string(300'000, 'x'));
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(Printed(end), "done\n");
}

TEST_F(ChildTest, TellsHowItEnded) {
  EXPECT_EQ(Run("exit 3").value().Text(), "ended with status 3");
  EXPECT_EQ(Run("kill -SEGV $$").value().Text(), "was killed by signal 11");
  EXPECT_FALSE(Run("exit 3").value().succeeded());
  std::vector<std::byte> none;
  EXPECT_EQ(RunChild([]() -> int { throw 7; }, {}, none, waiter_).value().Text(),
            "ended with status 126");
}

TEST_F(ChildTest, OutputThatDoesNotFitIsRefusedAndEnded) {
  EXPECT_EQ(Printed(Run("printf 0123456789", "", 10)), "0123456789");
  const auto end = Run("cat /dev/zero", "", 10);
  ASSERT_FALSE(end.ok());
  EXPECT_EQ(end.error().code, Code::kCorrupt);
  EXPECT_TRUE(NoChildIsLeft());
}

TEST_F(ChildTest, ErrorsAreBoundedAndPrintable) {
  const auto end = Run("printf '\\033[31mred\\n\\377' >&2; yes | head -c 100000 >&2");
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(end.value().errors.substr(0, 10), " [31mred  ");
  EXPECT_EQ(end.value().errors.size(), kMaxChildErrors);
}

TEST_F(ChildTest, WhatHangsIsKilledAtTheDeadlineWithAllItStarted) {
  for (const char* command : {"sleep 600", "sleep 600 & sleep 600", "exec >&- 2>&-; sleep 600",
                              "trap '' TERM INT HUP; while :; do sleep 600; done"}) {
    PollWaiter soon(milliseconds(300));
    std::vector<std::byte> none;
    const auto end = RunChild(
        [&] {
          execl("/bin/sh", "sh", "-c", command, nullptr);
          return 127;
        },
        {}, none, soon);
    ASSERT_FALSE(end.ok()) << command;
    EXPECT_EQ(end.error().code, Code::kUnavailable);
    EXPECT_NE(end.error().message.find("300 ms"), std::string::npos);
    EXPECT_TRUE(NoChildIsLeft()) << command;
    EXPECT_LT(PollWaiter::Clock::now(), soon.deadline() + std::chrono::seconds(10));
  }
}

TEST_F(ChildTest, ACancelledChildIsKilledAndReaped) {
  int waits = 0;
  waiter_.cancelled = [&] { return ++waits > 1; };
  const auto end = Run("echo begun; sleep 600");
  ASSERT_FALSE(end.ok());
  EXPECT_EQ(end.error().code, Code::kCancelled);
  EXPECT_TRUE(NoChildIsLeft());
}

TEST_F(ChildTest, AnExceptionOfTheWaiterKillsItToo) {
  waiter_.cancelled = []() -> bool { throw 7; };
  EXPECT_THROW((void)Run("sleep 600"), int);
  EXPECT_TRUE(NoChildIsLeft());
}

TEST_F(ChildTest, HasNoOtherDescriptorAndNoHandlers) {
  signal(SIGTERM, SIG_IGN);
  const auto end = Run("ls /proc/self/fd | wc -l; awk '/^SigIgn/ {print $2}' /proc/self/status");
  signal(SIGTERM, SIG_DFL);
  std::istringstream printed(Printed(end));
  int descriptors = 0;
  uint64_t ignored = 0;
  printed >> descriptors >> std::hex >> ignored;
  ASSERT_TRUE(printed);
  EXPECT_EQ(descriptors, 4);  // 0, 1, 2 and that of the directory itself
  // Two signals are the C library's own: no program can set them, and whoever started this one may
  // have had them ignored.
  const uint64_t of_libc = uint64_t{1} << (32 - 1) | uint64_t{1} << (33 - 1);
  EXPECT_EQ(ignored & ~of_libc, 0u);
}

}  // namespace
}  // namespace bulla
