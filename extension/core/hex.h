// Hexadecimal digits, two for each byte, in lower case: what Bulla writes, and all that it reads.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/bytes.h"

namespace bulla {

inline constexpr std::string_view kHexDigits = "0123456789abcdef";

// Writes 2 * bytes.size() digits and returns where they end.
inline char* EncodeHex(Bytes bytes, char* to) {
  for (const std::byte byte : bytes) {
    *to++ = kHexDigits[std::to_integer<size_t>(byte >> 4)];
    *to++ = kHexDigits[std::to_integer<size_t>(byte & std::byte{15})];
  }
  return to;
}

// False where the text is anything but 2 * out.size() such digits; then `out` has no meaning.
[[nodiscard]] inline bool DecodeHex(std::string_view text, MutableBytes out) {
  if (text.size() != 2 * out.size()) return false;
  for (size_t i = 0; i < out.size(); ++i) {
    const size_t high = kHexDigits.find(text[2 * i]);
    const size_t low = kHexDigits.find(text[2 * i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return false;
    out[i] = static_cast<std::byte>(high << 4 | low);
  }
  return true;
}

}  // namespace bulla
