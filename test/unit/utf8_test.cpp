#include "core/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace bulla {
namespace {

std::optional<char32_t> Only(std::string_view text) {
  const auto character = TakeCharacter(&text);
  return text.empty() ? character : std::nullopt;
}

std::string Encode(char32_t c) {
  const auto byte = [](char32_t value) { return static_cast<char>(value); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xC0 | c >> 6), byte(0x80 | (c & 0x3F))};
  if (c < 0x10000)
    return {byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
  return {byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 0x3F)), byte(0x80 | (c >> 6 & 0x3F)),
          byte(0x80 | (c & 0x3F))};
}

TEST(Utf8Test, EveryCharacterIsReadAndSurrogatesAreNone) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    const bool surrogate = c >= 0xD800 && c < 0xE000;
    ASSERT_EQ(Only(Encode(c)), surrogate ? std::nullopt : std::optional(c)) << std::hex << c + 0u;
  }
}

TEST(Utf8Test, WhatIsNoCharacterIsRefused) {
  for (const std::string_view text :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x9F\xBF", "\xE2\x82",
        "\xE2\x28\xA1", "\xE2\x82\x28", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
        "\xF0\x9F\x92", "\xF8\x88\x80\x80\x80", "\xFE", "\xFF"})
    EXPECT_EQ(Only(text), std::nullopt) << text;
}

TEST(Utf8Test, SpacesAreThoseOfUnicode) {
  int spaces = 0;
  for (char32_t c = 0; c < 0x110000; ++c) spaces += IsUnicodeSpace(c) ? 1 : 0;
  EXPECT_EQ(spaces, 25);
  for (const char32_t c : {U' ', U'\t', U'\u0085', U'\u00A0', U'\u1680', U'\u2009', U'\u3000'})
    EXPECT_TRUE(IsUnicodeSpace(c));
  for (const char32_t c : {U'a', U'\u200B', U'\uFEFF', U'\u180E'}) EXPECT_FALSE(IsUnicodeSpace(c));
}

}  // namespace
}  // namespace bulla
