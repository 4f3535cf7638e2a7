#include "service/strict_json.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace bulla::service {
namespace {

using namespace std::string_literals;

std::string Mistake(std::string_view text) { return FindJsonMistake(text).value_or(""); }

bool Says(const std::string& mistake, std::string_view words) {
  return mistake.find(words) != std::string::npos;
}

std::string Nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') +
         std::string(static_cast<std::size_t>(depth), ']');
}

TEST(StrictJsonTest, TakesEveryKindOfValue) {
  for (const char* text :
       {"null", "true", "false", "0", "-0", "-1.5e-3", "\"\"", "\"\\u00e9\\ud83d\\ude00\"",
        "\"\xC3\xA9\xF0\x9F\x98\x80\"", "[]", "{}", " \t\r\n[1, {\"a\": [null]}]\n"})
    EXPECT_EQ(Mistake(text), "") << text;
}

TEST(StrictJsonTest, RefusesWhatIsNotJson) {
  for (const char* text : {" ",
                           "nul",
                           "True",
                           "NaN",
                           "Infinity",
                           "'a'",
                           "01",
                           "+1",
                           "1.",
                           ".5",
                           "1e",
                           "-",
                           "0x10",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{1:1}",
                           "[1}",
                           "]",
                           "1 2",
                           "{} {}",
                           "[] // comment",
                           "/* comment */ 1",
                           "\"\\x\"",
                           "\"\\u12g4\"",
                           "\"a\tb\"",
                           "\"a"})
    EXPECT_TRUE(Says(Mistake(text), "the body is not JSON at byte "))
        << text << ": " << Mistake(text);
  EXPECT_EQ(Mistake(""), "the body is empty where JSON is wanted");
}

TEST(StrictJsonTest, NamesTheByteAtWhichItCouldNotGoOn) {
  EXPECT_EQ(Mistake("[1,]"),
            "the body is not JSON at byte 4: unexpected ']'; expected '[', '{', or a literal");
  EXPECT_TRUE(Says(Mistake("{\"a\": 1, \"b\": tru}"), "at byte 18:"));
  EXPECT_TRUE(Says(Mistake("[1, 2"), "at byte 5: unexpected end of input"));
}

TEST(StrictJsonTest, RefusesWhatIsNotUtf8) {
  for (const char* text : {"\"\xFF\"", "\"\xC3\"", "\"\xC0\x80\"", "\"\xED\xA0\x80\"",
                           "\"\xF4\x90\x80\x80\"", "\"\xE2\x82\"", "{\"\x80\":1}"})
    EXPECT_TRUE(Says(Mistake(text), "ill-formed UTF-8")) << Mistake(text);
  EXPECT_TRUE(Says(Mistake("\xEF\xBB\xBF{}"), "byte order mark"));
  EXPECT_NE(Mistake("\xFF\xFE{\0}\0"s), "");
}

TEST(StrictJsonTest, RefusesLoneSurrogates) {
  for (const char* text :
       {"\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\ud800\"", "\"\\udc00\\ud800\""})
    EXPECT_TRUE(Says(Mistake(text), "surrogate")) << text;
}

TEST(StrictJsonTest, RefusesNulInStringsNamesAndBetween) {
  EXPECT_TRUE(Says(Mistake("\"a\\u0000b\""), "a string has a NUL"));
  EXPECT_TRUE(Says(Mistake("{\"a\\u0000\": 1}"), "a name has a NUL"));
  EXPECT_TRUE(Says(Mistake("\"a\0b\""s), "NUL"));
  // The parser would end here and call the rest none of its business.
  EXPECT_EQ(Mistake("{}\0[]"s), "the body is not JSON at byte 3: it has a NUL");
}

TEST(StrictJsonTest, RefusesNamesThatAreThereTwice) {
  EXPECT_EQ(Mistake("{\"a\":1,\"a\":2}"), "an object has the name \"a\" twice at byte 10");
  EXPECT_TRUE(Says(Mistake("{\"a\":1,\"\\u0061\":2}"), "twice"));
  EXPECT_TRUE(Says(Mistake("[{\"b\":{\"a\":1,\"c\":2,\"a\":3}}]"), "\"a\" twice"));
  EXPECT_TRUE(Says(Mistake("{\"\":1,\"\":2}"), "twice"));
  EXPECT_EQ(Mistake("{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":1}],\"A\":1}"), "");
}

TEST(StrictJsonTest, SaysOnlyTheBeginningOfALongName) {
  const std::string name(100'000, 'n');
  EXPECT_LT(Mistake("{\"" + name + "\":1,\"" + name + "\":1}").size(), 200U);
  EXPECT_LT(Mistake("{\"" + name + "\":nul}").size(), 200U);
  EXPECT_LT(Mistake("[" + std::string(100'000, '1') + "]").size(), 200U);
  EXPECT_LT(Mistake("\"" + name).size(), 200U);
}

TEST(StrictJsonTest, RefusesNumbersThatNoDoubleHolds) {
  for (const std::string& text : {"1e309"s, "-1e309"s, "[1e999999999]"s, std::string(400, '9')})
    EXPECT_TRUE(Says(Mistake(text), "a number is too large for a double")) << text;
  EXPECT_EQ(Mistake("[1.7976931348623157e308, 1e-400, 123456789012345678901234567890]"), "");
}

TEST(StrictJsonTest, RefusesWhatIsTooDeep) {
  EXPECT_EQ(Mistake(Nested(kMaxJsonDepth)), "");
  EXPECT_TRUE(Says(Mistake(Nested(kMaxJsonDepth + 1)), "more than 32 arrays and objects"));
  EXPECT_TRUE(Says(Mistake(std::string(1'000'000, '[')), "at byte 33"));
  std::string objects;
  for (int i = 0; i < 40; ++i) objects += "{\"a\":";
  EXPECT_TRUE(Says(Mistake(objects), "more than 32"));
  // Side by side is not deep.
  std::string wide = "[";
  for (int i = 0; i < 100; ++i) wide += "[{}],";
  EXPECT_EQ(Mistake(wide + "0]"), "");
}

TEST(StrictJsonTest, RefusesATextCutOffAnywhere) {
  const std::string text =
      R"({"a":[1.5e3,true,null,"\u00e9\ud83d\ude00é"],"b":{"c":false},"d":"x\\\"y"})";
  ASSERT_EQ(Mistake(text), "");
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_NE(Mistake(text.substr(0, size)), "") << text.substr(0, size);
}

TEST(StrictJsonTest, DoesNotReadPastItsEnd) {
  const std::string text = "[1]x";
  EXPECT_EQ(Mistake(std::string_view(text).substr(0, 3)), "");
}

}  // namespace
}  // namespace bulla::service
