#include "core/chain_name.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace bulla {
namespace {

using Values = std::vector<std::string>;

std::string Format(const Values& values) {
  const std::vector<std::string_view> views(values.begin(), values.end());
  return FormatChainName(views);
}

TEST(ChainNameTest, ASingleChainHasTheEmptyName) {
  EXPECT_EQ(Format({}), "");
  EXPECT_TRUE(ParseChainName("", 0).ok());
  EXPECT_EQ(ParseChainName("x", 0).error().code, Code::kInvalidArgument);
}

TEST(ChainNameTest, OneColumnIsNamedByItsTextAsItIs) {
  for (const char* const text : {"", "a", "(a,b)", "\"", " x "}) {
    EXPECT_EQ(Format({text}), text);
    EXPECT_EQ(ParseChainName(text, 1).value(), Values{text});
  }
}

TEST(ChainNameTest, SeveralColumnsAreNamedAsPostgresqlPrintsARow) {
  EXPECT_EQ(Format({"a", "b"}), "(a,b)");
  EXPECT_EQ(Format({"", "b c"}), "(\"\",\"b c\")");
  EXPECT_EQ(Format({"say \"hi\"", "back\\slash"}), "(\"say \"\"hi\"\"\",\"back\\\\slash\")");
  EXPECT_EQ(Format({"1,2", "(x)"}), "(\"1,2\",\"(x)\")");
}

TEST(ChainNameTest, ParsesBackWhatItPrints) {
  const Values pieces{"", "a", "a b", "\"", "\\", ",", "(", ")", "\t", "ü", "a\"b\\c,d"};
  for (const std::string& first : pieces) {
    for (const std::string& second : pieces) {
      const Values values{first, second, first};
      const auto parsed = ParseChainName(Format(values), 3);
      ASSERT_TRUE(parsed.ok()) << Format(values);
      EXPECT_EQ(parsed.value(), values);
    }
  }
}

TEST(ChainNameTest, RefusesWhatIsNoRowOfSoManyColumns) {
  for (const char* const name : {"", "a", "(a)", "(a,b", "a,b)", "(a,b,c)", "(a,b) ", "(a,b))",
                                 "((a,b)", "(a,)", "(,b)", "(\"a,b)", "(a\\"}) {
    const auto parsed = ParseChainName(name, 2);
    ASSERT_FALSE(parsed.ok()) << name;
    EXPECT_EQ(parsed.error().code, Code::kInvalidArgument);
    EXPECT_FALSE(parsed.error().hint.empty());
  }
}

TEST(ChainNameTest, KeysOfDifferentChainsDiffer) {
  const auto key = [](const Values& values) {
    const std::vector<std::string_view> views(values.begin(), values.end());
    std::vector<std::byte> bytes(ChainKeySize(views));
    ByteWriter out(bytes);
    WriteChainKey(views, &out);
    EXPECT_EQ(out.size(), bytes.size());
    EXPECT_FALSE(out.overflowed());
    return bytes;
  };
  EXPECT_NE(key({"ab", "c"}), key({"a", "bc"}));
  EXPECT_NE(key({""}), key({}));
}

}  // namespace
}  // namespace bulla
