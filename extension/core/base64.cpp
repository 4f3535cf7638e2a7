#include "core/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace bulla {
namespace {

constexpr std::string_view kUrlAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kStandardAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Two characters for each value of twelve bits: half as many look-ups as one by one.
struct Pair {
  char text[2];
};
using Pairs = std::array<Pair, 4096>;
constexpr Pairs MakePairs(std::string_view alphabet) {
  Pairs pairs{};
  for (size_t i = 0; i < pairs.size(); ++i) pairs[i] = {alphabet[i >> 6], alphabet[i & 63]};
  return pairs;
}
constexpr Pairs kUrlPairs = MakePairs(kUrlAlphabet);
constexpr Pairs kStandardPairs = MakePairs(kStandardAlphabet);

// The six bits of a character, shifted to their place in the group of 24; kBad for any other byte.
constexpr uint32_t kBad = 0x80000000;
using DecodeTable = std::array<std::array<uint32_t, 256>, 4>;
constexpr DecodeTable MakeDecodeTable(std::string_view alphabet) {
  DecodeTable table{};
  for (auto& column : table) column.fill(kBad);
  for (uint32_t i = 0; i < 64; ++i)
    for (size_t place = 0; place < 4; ++place)
      table[place][static_cast<unsigned char>(alphabet[i])] = i << (18 - 6 * place);
  return table;
}
constexpr DecodeTable kFromUrl = MakeDecodeTable(kUrlAlphabet);
constexpr DecodeTable kFromStandard = MakeDecodeTable(kStandardAlphabet);

bool DecodeUnpadded(const DecodeTable& table, std::string_view text, MutableBytes bytes) {
  if (text.size() % 4 == 1 || bytes.size() != Base64UrlDecodedSize(text.size())) return false;
  const auto* in = reinterpret_cast<const unsigned char*>(text.data());
  std::byte* out = bytes.data();
  uint32_t seen = 0;  // collects kBad, so that the loop has no exit
  for (size_t groups = text.size() / 4; groups > 0; --groups, in += 4, out += 3) {
    const uint32_t group = table[0][in[0]] | table[1][in[1]] | table[2][in[2]] | table[3][in[3]];
    seen |= group;
    out[0] = static_cast<std::byte>(group >> 16);
    out[1] = static_cast<std::byte>(group >> 8);
    out[2] = static_cast<std::byte>(group);
  }
  const size_t rest = text.size() % 4;
  if (rest == 0) return (seen & kBad) == 0;
  const uint32_t group =
      table[0][in[0]] | table[1][in[1]] | (rest == 3 ? table[2][in[2]] : uint32_t{0});
  out[0] = static_cast<std::byte>(group >> 16);
  if (rest == 3) out[1] = static_cast<std::byte>(group >> 8);
  const uint32_t unused_bits = rest == 3 ? 0xFF : 0xFFFF;
  return ((seen | group) & kBad) == 0 && (group & unused_bits) == 0;
}

// Each group is read before it is written and never written past where the next one is read, so the
// input may stand at the end of the output. Returns the end of what was written.
char* EncodeUnpadded(const Pairs& pairs, Bytes bytes, char* out) {
  const std::byte* in = bytes.data();
  const auto byte = [&in](size_t i) { return std::to_integer<uint32_t>(in[i]); };
  for (size_t groups = bytes.size() / 3; groups > 0; --groups, in += 3, out += 4) {
    const uint32_t group = byte(0) << 16 | byte(1) << 8 | byte(2);
    std::memcpy(out, pairs[group >> 12].text, 2);
    std::memcpy(out + 2, pairs[group & 0xFFF].text, 2);
  }
  if (bytes.size() % 3 == 1) {
    std::memcpy(out, pairs[byte(0) << 4].text, 2);
    out += 2;
  } else if (bytes.size() % 3 == 2) {
    const uint32_t group = byte(0) << 16 | byte(1) << 8;
    std::memcpy(out, pairs[group >> 12].text, 2);
    out[2] = pairs[group >> 6 & 63].text[1];
    out += 3;
  }
  return out;
}

}  // namespace

void EncodeBase64Url(Bytes bytes, std::span<char> text) {
  EncodeUnpadded(kUrlPairs, bytes, text.data());
}

void EncodeBase64(Bytes bytes, std::span<char> text) {
  char* const end = EncodeUnpadded(kStandardPairs, bytes, text.data());
  std::fill(end, text.data() + text.size(), '=');
}

bool DecodeBase64Url(std::string_view text, MutableBytes bytes) {
  return DecodeUnpadded(kFromUrl, text, bytes);
}

bool DecodeBase64(std::string_view text, MutableBytes bytes) {
  // The padding is no more than "=" up to a multiple of four: its amount follows from the size.
  if (text.size() != (bytes.size() + 2) / 3 * 4) return false;
  const std::string_view characters = text.substr(0, Base64UrlSize(bytes.size()));
  return text.substr(characters.size()) ==
             std::string_view("==", text.size() - characters.size()) &&
         DecodeUnpadded(kFromStandard, characters, bytes);
}

}  // namespace bulla
