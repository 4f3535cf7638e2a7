// Base64 (RFC 4648), strict: one byte string has exactly one text. No white space, no line ends, and
// the unused bits of the last character must be zero.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "core/bytes.h"

namespace bulla {

// base64url (section 5) without padding: every envelope in text.
constexpr size_t Base64UrlSize(size_t byte_count) {
  return byte_count / 3 * 4 + (byte_count % 3 == 0 ? 0 : byte_count % 3 + 1);
}
// How many bytes so many characters stand for; for a length that no byte string has (one more than a
// multiple of four) rounded down, and decoding fails.
constexpr size_t Base64UrlDecodedSize(size_t text_size) {
  return text_size / 4 * 3 + text_size % 4 * 3 / 4;
}

// Writes Base64UrlSize(bytes.size()) characters to `text`, which has just that size. The bytes may be
// the last bytes of `text` itself, so a caller with one buffer needs no second.
void EncodeBase64Url(Bytes bytes, std::span<char> text);

// Writes Base64UrlDecodedSize(text.size()) bytes to `bytes`, which has just that size. False, with
// the contents of `bytes` unspecified, unless `text` is what EncodeBase64Url would have written.
[[nodiscard]] bool DecodeBase64Url(std::string_view text, MutableBytes bytes);

// The standard alphabet (section 4) with padding, as `openssl rand -base64` prints it: key files and
// exports.
constexpr size_t Base64Size(size_t byte_count) { return (byte_count + 2) / 3 * 4; }

// Writes Base64Size(bytes.size()) characters to `text`, which has just that size.
void EncodeBase64(Bytes bytes, std::span<char> text);

// Just `bytes.size()` bytes or false.
[[nodiscard]] bool DecodeBase64(std::string_view text, MutableBytes bytes);

}  // namespace bulla
