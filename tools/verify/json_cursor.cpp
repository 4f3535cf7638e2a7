#include "verify/json_cursor.h"

#include <charconv>
#include <cstring>

#include "core/hex.h"
#include "core/utf8.h"

namespace bulla::verify {
namespace {

// Ends a run of characters that stand for themselves: the quote, the backslash and control characters.
bool IsSpecial(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

constexpr uint64_t kOnes = 0x0101010101010101;
constexpr uint64_t kHighBits = 0x8080808080808080;

uint64_t EightBytes(const char* at) {
  uint64_t bytes;
  std::memcpy(&bytes, at, sizeof bytes);
  return bytes;
}

// Whether a byte of the eight is below this one, which is at most 0x80.
bool HasBelow(uint64_t bytes, unsigned char bound) {
  return ((bytes - kOnes * bound) & ~bytes & kHighBits) != 0;
}

bool HasSpecial(uint64_t bytes) {
  return HasBelow(bytes, 0x20) || HasBelow(bytes ^ kOnes * '"', 1) ||
         HasBelow(bytes ^ kOnes * '\\', 1);
}

// The first special character, or the end. The bits of all bytes before it go into `all`.
const char* PlainUntil(const char* at, const char* end, uint64_t* all) {
  for (; end - at >= 8 && !HasSpecial(EightBytes(at)); at += 8) *all |= EightBytes(at);
  for (; at != end && !IsSpecial(*at); ++at) *all |= static_cast<unsigned char>(*at);
  return at;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty())
    if (!TakeCharacter(&text)) return false;
  return true;
}

// What the escape of one letter stands for; 0 where there is no such escape.
char ShortEscape(char letter) {
  switch (letter) {
    case '"':
    case '\\':
      return letter;
    case 'b':
      return '\b';
    case 't':
      return '\t';
    case 'n':
      return '\n';
    case 'f':
      return '\f';
    case 'r':
      return '\r';
    default:
      return 0;
  }
}

}  // namespace

JsonCursor::JsonCursor(std::string_view line, std::string* unescaped)
    : begin_(line.data()), at_(begin_), end_(begin_ + line.size()), unescaped_(unescaped) {
  unescaped_->clear();
  unescaped_->reserve(line.size());
}

bool JsonCursor::Text(std::string_view* text) {
  if (!Expect("\"")) return false;
  const char* const start = at_;
  uint64_t all = 0;
  const char* const until = PlainUntil(at_, end_, &all);
  if (until != end_ && *until == '\\') return UnescapedText(until, all, text);
  if (until == end_ || *until != '"') {
    at_ = until;
    return Fail();
  }
  *text = {start, until};
  if ((all & kHighBits) != 0 && !IsUtf8(*text)) return Fail();
  at_ = until + 1;
  return true;
}

bool JsonCursor::UnescapedText(const char* plain_until, uint64_t all, std::string_view* text) {
  const size_t from = unescaped_->size();
  for (;;) {
    unescaped_->append(at_, plain_until);
    at_ = plain_until;
    if (Skip("\"")) break;
    if (!TakeEscape()) return Fail();
    plain_until = PlainUntil(at_, end_, &all);
  }
  *text = std::string_view(*unescaped_).substr(from);
  // What escapes stand for is ASCII.
  return (all & kHighBits) == 0 || IsUtf8(*text) || Fail();
}

// One character has one form: \u00xx only for control characters without a shorter one, in lower case.
bool JsonCursor::TakeEscape() {
  if (end_ - at_ < 2 || *at_ != '\\') return false;
  if (const char character = ShortEscape(at_[1])) {
    unescaped_->push_back(character);
    at_ += 2;
    return true;
  }
  std::byte code{};
  if (end_ - at_ < 6 || !std::string_view(at_, 4).starts_with("\\u00") ||
      !DecodeHex({at_ + 4, 2}, {&code, 1}))
    return false;
  const char character = static_cast<char>(code);
  if (code >= std::byte{0x20} || character == 0 ||
      std::string_view("\b\t\n\f\r").find(character) != std::string_view::npos)
    return false;
  unescaped_->push_back(character);
  at_ += 6;
  return true;
}

bool JsonCursor::Number(uint64_t* number) {
  if (failed_) return false;
  const auto [until, error] = std::from_chars(at_, end_, *number);
  if (error != std::errc{} || (until - at_ > 1 && *at_ == '0') || *number >> 63 != 0) return Fail();
  at_ = until;
  return true;
}

}  // namespace bulla::verify
