// Numbers in the texts of C2SP: decimal digits, no sign, no leading zero but "0" itself.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace bulla {

// Nothing where the text is anything else, or more than `most`.
inline std::optional<uint64_t> ParseDecimal(std::string_view text, uint64_t most) {
  uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || at != end || (text.size() > 1 && text[0] == '0')) return {};
  if (value > most) return {};
  return value;
}

}  // namespace bulla
