// Reads JSON of which every byte but the values is known: the lines of an export.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bulla::verify {

// After the first call that was false all others are, and failed_at() says where that was.
class JsonCursor {
 public:
  // What has to be unescaped goes to the end of `unescaped`, which never moves: it has room for the whole line.
  JsonCursor(std::string_view line, std::string* unescaped);

  // Just these bytes.
  bool Expect(std::string_view bytes) { return Skip(bytes) || Fail(); }
  // Whether these bytes come next; takes them only then. Inline, as the compiler knows most of what is compared.
  bool Skip(std::string_view bytes) {
    if (failed_ || !std::string_view(at_, end_).starts_with(bytes)) return false;
    at_ += bytes.size();
    return true;
  }
  // A string in the one form that the specification gives it, and UTF-8.
  bool Text(std::string_view* text);
  // 0 … 2^63 - 1, without leading zeros.
  bool Number(uint64_t* number);
  bool AtEnd() { return at_ == end_ || Fail(); }

  size_t failed_at() const { return static_cast<size_t>(at_ - begin_); }

 private:
  bool Fail() {
    failed_ = true;
    return false;
  }
  // `all` has the bits of the bytes before `plain_until`.
  bool UnescapedText(const char* plain_until, uint64_t all, std::string_view* text);
  bool TakeEscape();

  const char* begin_;
  const char* at_;
  const char* end_;
  std::string* unescaped_;
  bool failed_ = false;
};

}  // namespace bulla::verify
