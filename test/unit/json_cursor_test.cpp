#include "verify/json_cursor.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace bulla::verify {
namespace {

// What a line that is one string stands for, if it is one.
std::optional<std::string> Read(const std::string& line) {
  std::string unescaped;
  JsonCursor cursor(line, &unescaped);
  std::string_view text;
  if (!cursor.Text(&text) || !cursor.AtEnd()) return {};
  return std::string(text);
}

// Texts are read eight bytes at a time: what ends or escapes one is seen wherever it stands, behind whatever came before.
TEST(JsonCursorTest, NothingSpecialIsOverlooked) {
  for (size_t before = 0; before < 24; ++before) {
    for (size_t after = 0; after < 20; ++after) {
      for (const char* const filler : {"a", " ", "!", "\x7f", "~", "[", "]", "#"}) {
        std::string start, end;
        for (size_t i = 0; i < before; ++i) start += filler;
        for (size_t i = 0; i < after; ++i) end += filler;
        EXPECT_EQ(Read('"' + start + end + '"'), start + end);
        EXPECT_EQ(Read('"' + start + '"' + end + '"'), std::nullopt);
        EXPECT_EQ(Read('"' + start + "\\\"" + end + '"'), start + '"' + end);
        EXPECT_EQ(Read('"' + start + "\\\\" + end + "\\n\""), start + '\\' + end + '\n');
        EXPECT_EQ(Read('"' + start + "\\u0001" + end + '"'), start + '\x01' + end);
        EXPECT_EQ(Read('"' + start + '\x1f' + end + '"'), std::nullopt);
        EXPECT_EQ(Read('"' + start + '\n' + end + '"'), std::nullopt);
        EXPECT_EQ(Read('"' + start + '\0' + end + '"'), std::nullopt);
      }
    }
  }
}

TEST(JsonCursorTest, WhatIsNotUtf8IsRefusedWhereverItStands) {
  for (size_t before = 0; before < 24; ++before) {
    const std::string start(before, 'x');
    for (const char* const escape : {"", "\\n"}) {
      EXPECT_NE(Read('"' + start + "\xc3\xbc" + escape + '"'), std::nullopt);
      EXPECT_NE(Read('"' + std::string(escape) + start + "\xf0\x9f\x98\x80\""), std::nullopt);
      for (const char* const wrong : {"\x80", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xff"}) {
        EXPECT_EQ(Read('"' + start + wrong + escape + '"'), std::nullopt);
        EXPECT_EQ(Read('"' + std::string(escape) + start + wrong + '"'), std::nullopt);
        EXPECT_EQ(Read('"' + start + wrong + start + escape + start + '"'), std::nullopt);
      }
    }
  }
}

TEST(JsonCursorTest, ATextThatDoesNotEndIsNone) {
  for (size_t size = 0; size < 24; ++size) {
    EXPECT_EQ(Read('"' + std::string(size, 'x')), std::nullopt);
    EXPECT_EQ(Read('"' + std::string(size, 'x') + '\\'), std::nullopt);
  }
}

}  // namespace
}  // namespace bulla::verify
