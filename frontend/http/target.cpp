#include "http/target.h"

#include <algorithm>
#include <cstdint>

namespace bulla::http {
namespace {

int HexValue(char digit) {
  if (digit >= '0' && digit <= '9') {
    return digit - '0';
  }
  if (digit >= 'a' && digit <= 'f') {
    return digit - 'a' + 10;
  }
  if (digit >= 'A' && digit <= 'F') {
    return digit - 'A' + 10;
  }
  return -1;
}

// The length of the UTF-8 sequence at the start of the text (Unicode, table 3-7); 0 where it is none.
std::size_t Utf8Length(std::string_view text) {
  const auto byte = [&](std::size_t index) { return static_cast<std::uint8_t>(text[index]); };
  const auto continues = [&](std::size_t index, std::uint8_t low, std::uint8_t high) {
    return index < text.size() && byte(index) >= low && byte(index) <= high;
  };
  const std::uint8_t first = byte(0);
  if (first < 0x80) {
    return 1;
  }
  if (first >= 0xC2 && first <= 0xDF) {
    return continues(1, 0x80, 0xBF) ? 2 : 0;
  }
  if (first >= 0xE0 && first <= 0xEF) {
    const std::uint8_t low = first == 0xE0 ? 0xA0 : 0x80;   // no overlong forms
    const std::uint8_t high = first == 0xED ? 0x9F : 0xBF;  // no surrogates
    return continues(1, low, high) && continues(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const std::uint8_t low = first == 0xF0 ? 0x90 : 0x80;
    const std::uint8_t high = first == 0xF4 ? 0x8F : 0xBF;  // no more than U+10FFFF
    return continues(1, low, high) && continues(2, 0x80, 0xBF) && continues(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

}  // namespace

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = Utf8Length(text);
    if (length == 0) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

std::optional<std::string> PercentDecode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (text.size() - i < 3) {
      return std::nullopt;
    }
    const int high = HexValue(text[i + 1]);
    const int low = HexValue(text[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) {
      return std::nullopt;
    }
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (!IsUtf8(decoded)) {
    return std::nullopt;
  }
  return decoded;
}

std::optional<std::vector<std::string>> SplitPath(std::string_view path) {
  std::vector<std::string> segments;
  if (path == "/") {
    return std::vector<std::string>{""};
  }
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::size_t end = std::min(path.find('/'), path.size());
    std::optional<std::string> segment = PercentDecode(path.substr(0, end));
    if (!segment || segment->empty() || *segment == "." || *segment == "..") {
      return std::nullopt;
    }
    segments.push_back(std::move(*segment));
    path.remove_prefix(end);
  }
  return segments;
}

std::optional<std::map<std::string, std::string>> SplitQuery(std::string_view query) {
  std::map<std::string, std::string> pairs;
  if (query.empty()) {
    return pairs;
  }
  for (bool last = false; !last;) {
    const std::size_t end = std::min(query.find('&'), query.size());
    last = end == query.size();
    std::string pair(query.substr(0, end));
    query.remove_prefix(last ? end : end + 1);
    std::replace(pair.begin(), pair.end(), '+', ' ');
    const std::size_t equals = std::min(pair.find('='), pair.size());
    std::optional<std::string> name = PercentDecode(std::string_view(pair).substr(0, equals));
    std::optional<std::string> value =
        PercentDecode(std::string_view(pair).substr(std::min(equals + 1, pair.size())));
    if (!name || name->empty() || !value ||
        !pairs.emplace(std::move(*name), std::move(*value)).second) {
      return std::nullopt;
    }
  }
  return pairs;
}

}  // namespace bulla::http
