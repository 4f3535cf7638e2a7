// UTF-8 (RFC 3629), strict: no overlong forms, no surrogates, nothing beyond U+10FFFF.
#pragma once

#include <optional>
#include <string_view>

namespace bulla {

// Takes the next character off the front of a text that is not empty. Nothing where none begins there.
std::optional<char32_t> TakeCharacter(std::string_view* text);

// Unicode's White_Space.
bool IsUnicodeSpace(char32_t character);

}  // namespace bulla
