#include "kms/command_provider.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kms/system_random.h"
#include "kms/wrapping.h"
#include "provider_doubles.h"

namespace bulla {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

TEST(CommandLineTest, WordsAreSeparatedBySpacesOutsideOfQuotes) {
  EXPECT_EQ(SplitCommandLine("/bin/true").value(), Words{"/bin/true"});
  EXPECT_EQ(SplitCommandLine("  /a b   c ").value(), (Words{"/a", "b", "c"}));
  EXPECT_EQ(SplitCommandLine("/a 'b c' \"d 'e'\" f'g h'i \"\"").value(),
            (Words{"/a", "b c", "d 'e'", "fg hi", ""}));
  // Nothing of what means something to a shell does here.
  EXPECT_EQ(SplitCommandLine("/a $HOME `id` ; | > < & * \\ ~ #").value(),
            (Words{"/a", "$HOME", "`id`", ";", "|", ">", "<", "&", "*", "\\", "~", "#"}));
}

TEST(CommandLineTest, RefusesWhatIsNoCommand) {
  for (const char* line : {"", "  ", "relative", "./x", "'/a", "/a \"b", "~/x"})
    EXPECT_EQ(SplitCommandLine(line).error().code, Code::kInvalidArgument) << line;
}

TEST(CommandLineTest, PlaceholdersAreReplacedOnce) {
  EXPECT_EQ(FillPlaceholders("--%o=%k%%", "wrap", "%o").value(), "--wrap=%o%");
  EXPECT_EQ(FillPlaceholders("100%", "", "").error().code, Code::kInvalidArgument);
  EXPECT_EQ(FillPlaceholders("%p", "", "").error().code, Code::kInvalidArgument);
}

class CommandProviderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    signal(SIGPIPE, SIG_IGN);
    std::string pattern = (fs::temp_directory_path() / "bulla-command-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { fs::remove_all(root_); }

  // A program of these lines; the item that names it.
  std::string Program(const std::string& lines) const {
    std::ofstream(root_ / "program") << "#!/bin/sh\n" << lines << "\n";
    chmod((root_ / "program").c_str(), 0700);
    return "command:test:" + (root_ / "program").string() + " %o %k";
  }
  Result<KekList> Open(const std::string& item) const {
    return KekList::Open("\"" + item + "\"", {root_.string(), &SystemRandom::Instance()});
  }
  // Wraps a key by a program and unwraps it by another.
  Result<SecretBytes> RoundTrip(const std::string& wrap, const std::string& unwrap) {
    KekList wrapping = std::move(Open(Program(wrap))).value();
    const PlainKey key{version_, &data_key_};
    const auto wrapped = WrapDataKeys(wrapping.first(), {&key, 1}, waiter_);
    if (!wrapped.ok()) return wrapped.error();
    wrapped_ = wrapped.value()[0];
    KekList unwrapping = std::move(Open(Program(unwrap))).value();
    const StoredKey stored{version_,
                           CommitToDataKey(data_key_, version_.algorithm, version_.purpose).value(),
                           wrapped_};
    auto unwrapped = UnwrapDataKeys(unwrapping, {&stored, 1}, waiter_);
    if (!unwrapped.ok()) return unwrapped.error();
    return std::move(unwrapped.value()[0]);
  }

  fs::path root_;
  PollWaiter waiter_;
  SecretBytes data_key_ = SecretBytes::CopyOf(AsBytes("0123456789abcdefABCDEF9876543210")).value();
  KeyVersion version_{{}, 1, Algorithm::kXaes256Gcm, Purpose::kEncrypt};
  ByteString wrapped_;
};

constexpr const char* kTurn = "tr '\\000-\\377' '\\001-\\377\\000'";
constexpr const char* kTurnBack = "tr '\\001-\\377\\000' '\\000-\\377'";

TEST_F(CommandProviderTest, WrapsAndUnwraps) {
  const auto opened = RoundTrip(std::string("test $1 = wrap && ") + kTurn,
                                std::string("test $1 = unwrap && ") + kTurnBack);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_EQ(AsText(opened.value().RevealSecretBytes()), "0123456789abcdefABCDEF9876543210");
  const auto parts = SplitWrapped(wrapped_);
  EXPECT_EQ(parts.value().kek, NamedKekId(KekKind::kCommand, "test").value());
}

TEST_F(CommandProviderTest, TheProgramIsToldTheIdOfTheKekAndNothingSecret) {
  const std::string record = (root_ / "seen").string();
  ASSERT_TRUE(RoundTrip("{ echo $0 $*; env; } > " + record + "; cat", "cat").ok());
  std::ifstream file(record);
  const std::string seen((std::istreambuf_iterator<char>(file)), {});
  EXPECT_NE(seen.find("wrap " + NamedKekId(KekKind::kCommand, "test").value().Text()),
            std::string::npos);
  EXPECT_EQ(seen.find("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(seen.find("30313233343536"), std::string::npos);
}

TEST_F(CommandProviderTest, WhatAProgramMakesUpIsRefused) {
  EXPECT_EQ(RoundTrip("cat", "cat > /dev/null; printf short").error().code, Code::kCorrupt);
  EXPECT_EQ(RoundTrip("cat", "cat; printf more").error().code, Code::kCorrupt);
  EXPECT_EQ(RoundTrip("cat", kTurn).error().code, Code::kCorrupt);
  EXPECT_EQ(RoundTrip("cat", "head -c 2000 /dev/zero").error().code, Code::kCorrupt);
  EXPECT_EQ(RoundTrip("head -c 9000 /dev/zero", "cat").error().code, Code::kCorrupt);
}

TEST_F(CommandProviderTest, FailureAndSilenceAreErrorsThatDoNotRepeatWhatItSaid) {
  for (const char* lines : {"cat > /dev/null; echo my-secret >&2; exit 1", "echo my-secret; exit 1",
                            "exec >&-; echo my-secret >&2", "kill -9 $$"}) {
    const auto result = RoundTrip("cat", lines);
    ASSERT_FALSE(result.ok()) << lines;
    EXPECT_EQ(result.error().code, Code::kUnavailable);
    EXPECT_NE(result.error().message.find("command:test"), std::string::npos);
    EXPECT_EQ((result.error().message + result.error().hint).find("my-secret"), std::string::npos);
  }
  EXPECT_NE(waiter_.notes.find("my-secret"), std::string::npos);  // the administrator reads it
  EXPECT_EQ(RoundTrip("exit 1", "cat").error().code, Code::kUnavailable);
}

TEST_F(CommandProviderTest, AProgramThatIsNotThereSaysSo) {
  KekList list = std::move(Open("command:test:/nonexistent %o")).value();
  const PlainKey key{version_, &data_key_};
  const auto wrapped = WrapDataKeys(list.first(), {&key, 1}, waiter_);
  ASSERT_FALSE(wrapped.ok());
  EXPECT_NE(wrapped.error().message.find("127"), std::string::npos);
}

TEST_F(CommandProviderTest, RefusesItemsThatAreNone) {
  for (const char* item :
       {"command:", "command:name", "command:name:", "command::/bin/cat", "command:a b:/bin/cat",
        "command:name:cat", "command:name:/bin/cat %x", "command:/bin/cat:%o"}) {
    const auto list = Open(item);
    ASSERT_FALSE(list.ok()) << item;
    EXPECT_EQ(list.error().code, Code::kInvalidArgument) << item;
    EXPECT_NE(list.error().message.find("bulla.kek"), std::string::npos);
  }
}

}  // namespace
}  // namespace bulla
