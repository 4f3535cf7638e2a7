// Whether a request's body is JSON that everybody reads alike.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bulla::service {

inline constexpr int kMaxJsonDepth = 32;  // arrays and objects inside one another

// Nothing when the text is one JSON value (RFC 8259) in UTF-8 whose objects name nothing twice, whose
// strings hold no NUL (PostgreSQL has none), whose numbers a double can hold and that is no deeper than
// kMaxJsonDepth. Else one sentence that says what is wrong and at which byte, counted from 1. The text
// itself is passed on unchanged, so that numbers keep their precision.
std::optional<std::string> FindJsonMistake(std::string_view text);

}  // namespace bulla::service
