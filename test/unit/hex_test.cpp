#include "core/hex.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace bulla {
namespace {

TEST(HexTest, EveryByteIsWrittenAsPrintfDoesAndReadBack) {
  for (int value = 0; value < 256; ++value) {
    const std::array<std::byte, 1> byte{static_cast<std::byte>(value)};
    std::array<char, 3> expected;
    std::snprintf(expected.data(), expected.size(), "%02x", static_cast<unsigned>(value));
    std::string text(2, '?');
    EXPECT_EQ(EncodeHex(byte, text.data()), text.data() + 2);
    EXPECT_EQ(text, expected.data());
    std::array<std::byte, 1> read{};
    EXPECT_TRUE(DecodeHex(text, read));
    EXPECT_EQ(read, byte);
  }
}

TEST(HexTest, NoOtherCharacterIsADigit) {
  for (int value = 0; value < 256; ++value) {
    const auto other = static_cast<char>(value);
    if ((other >= '0' && other <= '9') || (other >= 'a' && other <= 'f')) continue;
    std::array<std::byte, 1> read{};
    EXPECT_FALSE(DecodeHex(std::string{'0', other}, read)) << value;
    EXPECT_FALSE(DecodeHex(std::string{other, '0'}, read)) << value;
  }
}

TEST(HexTest, TextOfAnotherLengthIsRefused) {
  std::array<std::byte, 2> read{};
  for (const std::string_view text : {"", "0", "00", "000", "00000", "000000"})
    EXPECT_FALSE(DecodeHex(text, read)) << text;
  EXPECT_TRUE(DecodeHex("0a0b", read));
  EXPECT_TRUE(DecodeHex("", {}));
}

}  // namespace
}  // namespace bulla
