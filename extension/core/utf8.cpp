#include "core/utf8.h"

#include <bit>
#include <cstddef>

namespace bulla {

std::optional<char32_t> TakeCharacter(std::string_view* text) {
  const auto first = static_cast<unsigned char>(text->front());
  const auto ones = static_cast<size_t>(std::countl_one(first));
  if (ones == 1 || ones > 4) return {};
  const size_t size = ones == 0 ? 1 : ones;
  if (text->size() < size) return {};
  char32_t character = ones == 0 ? first : first & (0x7Fu >> size);
  for (size_t i = 1; i < size; ++i) {
    const auto byte = static_cast<unsigned char>((*text)[i]);
    if (byte >> 6 != 2) return {};
    character = character << 6 | (byte & 0x3Fu);
  }
  static constexpr char32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
  if (character < kLeast[size - 1] || character > 0x10FFFF) return {};
  if (character >= 0xD800 && character < 0xE000) return {};
  text->remove_prefix(size);
  return character;
}

bool IsUnicodeSpace(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

}  // namespace bulla
