#include "kms/kek_list.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kms/system_random.h"
#include "provider_doubles.h"

namespace bulla {
namespace {

namespace fs = std::filesystem;
using Items = std::vector<std::string>;

TEST(KekSettingTest, SplitsAtCommasOutsideOfQuotes) {
  EXPECT_EQ(SplitKekSetting("file:/a").value(), Items{"file:/a"});
  EXPECT_EQ(SplitKekSetting("file:/a,file:/b").value(), (Items{"file:/a", "file:/b"}));
  EXPECT_EQ(SplitKekSetting("  file:/a b ,\n\t\"file:/c, d\" , file:/e").value(),
            (Items{"file:/a b", "file:/c, d", "file:/e"}));
  EXPECT_EQ(SplitKekSetting("\"say \"\"so\"\"\"").value(), Items{"say \"so\""});
}

TEST(KekSettingTest, RefusesWhatIsNoList) {
  for (const char* setting : {",", "file:/a,", ",file:/a", "file:/a,,file:/b", "\"file:/a", "\"\"",
                              "\"file:/a\"x", "\"file:/a\" \"file:/b\"", "\"a\"\""}) {
    const auto items = SplitKekSetting(setting);
    ASSERT_FALSE(items.ok()) << setting;
    EXPECT_EQ(items.error().code, Code::kInvalidArgument) << setting;
    EXPECT_NE(items.error().message.find("bulla.kek"), std::string::npos);
  }
}

class KekListTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "bulla-keks-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    fs::create_directories(root_ / "data" / "pg_tblspc");
    Write("one", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    Write("two", "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
  }
  void TearDown() override { fs::remove_all(root_); }

  void Write(const char* name, const std::string& content) const {
    std::ofstream(root_ / name, std::ios::binary) << content;
    ASSERT_EQ(chmod((root_ / name).c_str(), 0600), 0);
  }
  std::string Item(const char* name) const { return "file:" + (root_ / name).string(); }
  Result<KekList> Open(const std::string& setting) const {
    return KekList::Open(setting, {(root_ / "data").string(), &SystemRandom::Instance()});
  }
  KekId IdOf(const char* name) const { return Open(Item(name)).value().first().Id().value(); }

  fs::path root_;
};

TEST_F(KekListTest, TheFirstWrapsAndEachIsFoundByItsId) {
  KekList list = std::move(Open(Item("one") + ", " + Item("two"))).value();
  EXPECT_EQ(list.size(), 2U);
  EXPECT_EQ(list.first().Id().value(), IdOf("one"));
  for (const char* name : {"one", "two"}) {
    const Result<KekProvider*> found = list.Find(IdOf(name));
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(found.value()->Id().value(), IdOf(name));
  }
}

TEST_F(KekListTest, AnIdThatIsNotThereIsNamedAlongWithThoseThatAre) {
  KekList list = std::move(Open(Item("one"))).value();
  const Result<KekProvider*> found = list.Find(IdOf("two"));
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, Code::kFailedPrecondition);
  EXPECT_NE(found.error().message.find(IdOf("two").Text()), std::string::npos);
  EXPECT_NE(found.error().message.find("bulla.kek"), std::string::npos);
  EXPECT_NE(found.error().hint.find(IdOf("one").Text()), std::string::npos);
}

TEST_F(KekListTest, AKekThatCannotBeReadHidesNoOther) {
  KekList list = std::move(Open(Item("absent") + "," + Item("two"))).value();
  EXPECT_TRUE(list.Find(IdOf("two")).ok());
  // It could have been the one.
  EXPECT_EQ(list.Find(IdOf("one")).error().code, Code::kNotFound);
  // Not where another kind is wanted.
  EXPECT_EQ(list.Find({KekKind::kVault, {}}).error().code, Code::kFailedPrecondition);
}

TEST_F(KekListTest, TwoWithOneIdAreRefused) {
  KekList list = std::move(Open(Item("one") + "," + Item("one"))).value();
  const Result<KekProvider*> found = list.Find(IdOf("one"));
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, Code::kFailedPrecondition);
}

TEST_F(KekListTest, RefusesTheRestAndSaysWhatIsAllowed) {
  EXPECT_EQ(Open("").error().code, Code::kFailedPrecondition);
  EXPECT_EQ(Open("  ").error().code, Code::kFailedPrecondition);
  for (const char* setting : {"file:", "file:kek", "file:~/kek", "FILE:/kek", "/etc/kek", "nothing",
                              "file:/etc/kek,other:/kek", "AAECAwQFBgcICQoL"}) {
    const Result<KekList> list = Open(setting);
    ASSERT_FALSE(list.ok()) << setting;
    EXPECT_EQ(list.error().code, Code::kInvalidArgument) << setting;
    EXPECT_NE(list.error().message.find("bulla.kek"), std::string::npos);
    EXPECT_NE(list.error().hint.find("file:PATH"), std::string::npos);
    // Somebody will paste a key there.
    EXPECT_EQ((list.error().message + list.error().hint).find("AAECAwQF"), std::string::npos);
  }
}

}  // namespace
}  // namespace bulla
