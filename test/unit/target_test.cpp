#include "http/target.h"

#include <gtest/gtest.h>

namespace bulla::http {
namespace {

using Segments = std::vector<std::string>;
using Pairs = std::map<std::string, std::string>;

TEST(TargetTest, DecodesEachEscapeOnce) {
  EXPECT_EQ(PercentDecode(""), "");
  EXPECT_EQ(PercentDecode("a%2Fb%2fc"), "a/b/c");
  EXPECT_EQ(PercentDecode("%252F"), "%2F");
  EXPECT_EQ(PercentDecode("%C3%A9"), "\xC3\xA9");
  EXPECT_EQ(PercentDecode("a+b"), "a+b");
}

TEST(TargetTest, RefusesBadEscapesNulAndWhatIsNotUtf8) {
  for (const char* bad : {"%", "%4", "%zz", "%4z", "a%", "%00", "%FF", "%C3", "%C3%28", "\xFF"}) {
    EXPECT_EQ(PercentDecode(bad), std::nullopt) << bad;
  }
}

TEST(TargetTest, TellsUtf8FromOtherBytes) {
  for (const char* good :
       {"", "a", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(IsUtf8(good)) << testing::PrintToString(good);
  }
  for (const char* bad :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x7F", "\xC2\xC0", "\xE0\x9F\xBF",
        "\xE0\xA0", "\xED\xA0\x80", "\xEF\xBF", "\xF0\x8F\xBF\xBF", "\xF0\x90\x80",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE", "\xFF"}) {
    EXPECT_FALSE(IsUtf8(bad)) << testing::PrintToString(bad);
  }
}

TEST(TargetTest, SplitsAPathIntoDecodedSegments) {
  EXPECT_EQ(SplitPath("/"), Segments{""});
  EXPECT_EQ(SplitPath("/a"), Segments{"a"});
  EXPECT_EQ(SplitPath("/a/b%2Fc/%C3%A9"), (Segments{"a", "b/c", "\xC3\xA9"}));
  EXPECT_EQ(SplitPath("/.../..a"), (Segments{"...", "..a"}));
}

TEST(TargetTest, RefusesPathsThatOthersMayReadAsAnotherPath) {
  for (const char* bad : {"//", "/a/", "/a//b", "/.", "/..", "/a/../b", "/%2e%2e/a", "/%2E",
                          "/a/%00", "/%zz", "/%FF"}) {
    EXPECT_EQ(SplitPath(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(SplitPath(std::string(16'000, '/')), std::nullopt);
}

TEST(TargetTest, SplitsAQueryIntoPairs) {
  EXPECT_EQ(SplitQuery(""), Pairs{});
  EXPECT_EQ(SplitQuery("a=b&c=d%26+e&f=&g"),
            (Pairs{{"a", "b"}, {"c", "d& e"}, {"f", ""}, {"g", ""}}));
  EXPECT_EQ(SplitQuery("a=b=c"), (Pairs{{"a", "b=c"}}));
  EXPECT_EQ(SplitQuery("a=%2B"), (Pairs{{"a", "+"}}));
}

TEST(TargetTest, RefusesAQueryThatCanBeReadInTwoWays) {
  for (const char* bad :
       {"a=1&a=2", "a=1&%61=2", "=b", "&", "a=1&", "&a=1", "a=1&&b=2", "a=%zz", "a=%00", "%FF=a"}) {
    EXPECT_EQ(SplitQuery(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace bulla::http
