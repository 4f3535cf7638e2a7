#include "kms/key_file.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bulla {
namespace {

namespace fs = std::filesystem;

// The bytes 0 to 31.
constexpr const char* kContent = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

class KeyFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "bulla-key-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    data_ = root_ / "data";
    fs::create_directories(data_ / "pg_tblspc");
    fs::create_directories(data_ / "pg_wal");
    key_ = root_ / "etc" / "kek";
    fs::create_directories(key_.parent_path());
    Write(key_, std::string(kContent) + "\n");
  }
  void TearDown() override { fs::remove_all(root_); }

  static void Write(const fs::path& path, const std::string& content, mode_t mode = 0600) {
    std::ofstream(path, std::ios::binary) << content;
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
  }

  Result<Kek> Load(const fs::path& path) const {
    return LoadKeyFile(path.string(), data_.string());
  }

  // The refusal's message; every one names the setting and the path, none the content.
  std::string Refusal(const fs::path& path, Code code = Code::kFailedPrecondition) const {
    const Result<Kek> loaded = Load(path);
    EXPECT_FALSE(loaded.ok());
    if (loaded.ok()) return "loaded";
    const Error& error = loaded.error();
    EXPECT_EQ(error.code, code) << error.message;
    EXPECT_NE(error.message.find("bulla.kek"), std::string::npos) << error.message;
    EXPECT_NE(error.message.find(path.string()), std::string::npos) << error.message;
    EXPECT_EQ((error.message + error.hint).find("AAECAwQF"), std::string::npos);
    return error.message;
  }

  static bool Says(const std::string& message, const char* words) {
    return message.find(words) != std::string::npos;
  }

  fs::path root_, data_, key_;
};

TEST_F(KeyFileTest, LoadsWithAndWithoutALineEnd) {
  const Result<Kek> with = Load(key_);
  ASSERT_TRUE(with.ok()) << with.error().message;
  Write(key_, kContent, 0400);
  const Result<Kek> without = Load(key_);
  ASSERT_TRUE(without.ok()) << without.error().message;
  EXPECT_EQ(with.value().id(), without.value().id());
  Result<SecretBytes> key = SecretBytes::Allocate(32);
  const MutableBytes bytes = key.value().RevealSecretBytes();
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
  EXPECT_EQ(with.value().id(), Kek::Create(KekKind::kFile, std::move(key).value()).value().id());
}

TEST_F(KeyFileTest, RefusesAnyOtherContent) {
  const std::string good = kContent;
  for (const std::string& content :
       {std::string(), std::string("\n"), good + "\n\n", good + "\r\n", " " + good, good + " ",
        good.substr(0, 43), good.substr(0, 40), good + "AAAA",
        good.substr(0, 42) + "9=", std::string("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg=="),
        std::string("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
        std::string(32, '\x01'), std::string(44, '\0'), std::string(100000, 'A')}) {
    Write(key_, content);
    EXPECT_TRUE(Says(Refusal(key_), "does not hold a KEK")) << content.size();
  }
}

TEST_F(KeyFileTest, RefusesEveryRightOfGroupAndOthers) {
  for (const mode_t mode : {0640, 0604, 0620, 0602, 0610, 0601, 0644, 0660, 0666, 0777, 04640}) {
    ASSERT_EQ(chmod(key_.c_str(), mode), 0);
    EXPECT_TRUE(Says(Refusal(key_), "has mode")) << std::oct << mode;
  }
  ASSERT_EQ(chmod(key_.c_str(), 0600), 0);
  EXPECT_TRUE(Load(key_).ok());
}

TEST_F(KeyFileTest, RefusesAnotherOwner) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  ASSERT_EQ(chown(key_.c_str(), 12345, static_cast<gid_t>(-1)), 0);
  EXPECT_TRUE(Says(Refusal(key_), "belongs to user id 12345"));
}

TEST_F(KeyFileTest, RefusesWhatIsNoRegularFile) {
  EXPECT_TRUE(Says(Refusal(key_.parent_path()), "not a regular file"));
  const fs::path pipe = root_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_TRUE(Says(Refusal(pipe), "not a regular file"));
  EXPECT_TRUE(Says(Refusal("/dev/null"), "not a regular file"));
}

TEST_F(KeyFileTest, SaysThatThereIsNoSuchFile) {
  Refusal(root_ / "nothing", Code::kNotFound);
  Refusal(key_ / "below a file", Code::kNotFound);
  fs::create_symlink(root_ / "nothing", root_ / "dangling");
  Refusal(root_ / "dangling", Code::kNotFound);
}

TEST_F(KeyFileTest, RefusesTheDataDirectory) {
  const fs::path inside = data_ / "conf" / "kek";
  fs::create_directories(inside.parent_path());
  Write(inside, kContent);
  EXPECT_TRUE(Says(Refusal(inside), "under the data directory"));
  EXPECT_TRUE(Says(Refusal(data_ / ".." / "data" / "conf" / "kek"), "under the data directory"));
}

TEST_F(KeyFileTest, FollowsLinksBeforeItJudgesThePlace) {
  const fs::path inside = data_ / "kek";
  Write(inside, kContent);
  fs::create_symlink(inside, root_ / "link");
  EXPECT_TRUE(Says(Refusal(root_ / "link"), "under the data directory"));
  fs::create_directory_symlink(data_, root_ / "alias");
  EXPECT_TRUE(Says(Refusal(root_ / "alias" / "kek"), "under the data directory"));
  // A link inside that leads outside is not what a backup copies.
  fs::create_symlink(key_, data_ / "link_out");
  EXPECT_TRUE(Load(data_ / "link_out").ok());
  // The data directory itself may be given by a link.
  EXPECT_FALSE(LoadKeyFile(inside.string(), (root_ / "alias").string()).ok());
}

TEST_F(KeyFileTest, RefusesAWalDirectoryElsewhere) {
  fs::remove(data_ / "pg_wal");
  fs::create_directories(root_ / "wal" / "deep");
  fs::create_directory_symlink(root_ / "wal", data_ / "pg_wal");
  Write(root_ / "wal" / "deep" / "kek", kContent);
  EXPECT_TRUE(Says(Refusal(root_ / "wal" / "deep" / "kek"), "under the WAL directory"));
  EXPECT_TRUE(Load(key_).ok());
}

TEST_F(KeyFileTest, RefusesATablespace) {
  fs::create_directories(root_ / "space");
  fs::create_directory_symlink(root_ / "space", data_ / "pg_tblspc" / "16400");
  fs::create_directory_symlink(root_ / "gone", data_ / "pg_tblspc" / "16401");
  Write(root_ / "space" / "kek", kContent);
  EXPECT_TRUE(Says(Refusal(root_ / "space" / "kek"), "under a tablespace"));
  EXPECT_TRUE(Load(key_).ok());
}

TEST_F(KeyFileTest, ANameThatMerelyBeginsAlikeIsAllowed) {
  fs::create_directories(root_ / "data2");
  Write(root_ / "data2" / "kek", kContent);
  EXPECT_TRUE(Load(root_ / "data2" / "kek").ok());
}

TEST_F(KeyFileTest, RefusesASecondHardLink) {
  fs::create_hard_link(key_, data_ / "second");
  EXPECT_TRUE(Says(Refusal(key_), "hard link"));
}

TEST_F(KeyFileTest, RefusesWhenTheDataDirectoryIsNotThere) {
  const Result<Kek> loaded = LoadKeyFile(key_.string(), (root_ / "nowhere").string());
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code, Code::kUnavailable);
}

}  // namespace
}  // namespace bulla
