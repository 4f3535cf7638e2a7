// Access tokens: 256 random bits that a client shows. Only their digest is kept anywhere.
#pragma once

#include <string>
#include <string_view>

namespace bulla::service {

// "bulla_" and 43 characters of base64url. Throws std::runtime_error where there is no randomness.
std::string NewAccessToken();

// Whether it can be one, ours or another's: what RFC 6750, 2.1, calls a b64token.
bool IsAccessToken(std::string_view text);

// Its SHA-256, as the text of a bytea.
std::string DigestAsBytea(std::string_view token);

}  // namespace bulla::service
