#include "verify/json_cursor.h"

#include <charconv>

#include "core/hex.h"
#include "core/utf8.h"

namespace bulla::verify {
namespace {

// Ends a run of characters that stand for themselves: the quote, the backslash and control characters.
bool IsSpecial(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

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

bool JsonCursor::Skip(std::string_view bytes) {
  if (failed_ || !std::string_view(at_, end_).starts_with(bytes)) return false;
  at_ += bytes.size();
  return true;
}

bool JsonCursor::Expect(std::string_view bytes) { return Skip(bytes) || Fail(); }

bool JsonCursor::Text(std::string_view* text) {
  if (!Expect("\"")) return false;
  const char* const start = at_;
  const char* until = at_;
  unsigned char all = 0;
  for (; until != end_ && !IsSpecial(*until); ++until) all |= static_cast<unsigned char>(*until);
  if (until != end_ && *until == '\\') return UnescapedText(until, text);
  if (until == end_ || *until != '"') {
    at_ = until;
    return Fail();
  }
  *text = {start, until};
  if (all >= 0x80 && !IsUtf8(*text)) return Fail();
  at_ = until + 1;
  return true;
}

bool JsonCursor::UnescapedText(const char* plain_until, std::string_view* text) {
  const size_t from = unescaped_->size();
  for (;;) {
    unescaped_->append(at_, plain_until);
    at_ = plain_until;
    if (Skip("\"")) break;
    if (!TakeEscape()) return Fail();
    plain_until = at_;
    while (plain_until != end_ && !IsSpecial(*plain_until)) ++plain_until;
  }
  *text = std::string_view(*unescaped_).substr(from);
  return IsUtf8(*text) || Fail();
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
