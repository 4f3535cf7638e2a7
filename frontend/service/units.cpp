#include "service/units.h"

#include <charconv>
#include <limits>
#include <span>

namespace bulla::service {
namespace {

struct Unit {
  std::string_view name;
  std::size_t worth;
};

// The largest first.
constexpr Unit kSizes[] = {
    {"GiB", 1024UL * 1024 * 1024}, {"MiB", 1024UL * 1024}, {"KiB", 1024}, {"B", 1}};
constexpr Unit kTimes[] = {
    {"d", 86'400'000}, {"h", 3'600'000}, {"min", 60'000}, {"s", 1'000}, {"ms", 1}};

std::optional<std::size_t> Parse(std::string_view text, std::span<const Unit> units) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto count = ParseCount(text.substr(0, digits));
  if (!count) return std::nullopt;
  for (const Unit& unit : units) {
    if (unit.name != text.substr(digits)) continue;
    if (*count > std::numeric_limits<std::int64_t>::max() / unit.worth) return std::nullopt;
    return *count * unit.worth;
  }
  return std::nullopt;
}

std::string Show(std::size_t number, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    if (number >= unit.worth && number % unit.worth == 0)
      return std::to_string(number / unit.worth) + std::string(unit.name);
  }
  return "0";
}

}  // namespace

std::optional<std::size_t> ParseCount(std::string_view text) {
  std::size_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [read, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || read != end) return std::nullopt;
  return number;
}

std::optional<std::size_t> ParseSize(std::string_view text) { return Parse(text, kSizes); }

std::optional<std::chrono::milliseconds> ParseTime(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds(0);
  const auto number = Parse(text, kTimes);
  if (!number) return std::nullopt;
  return std::chrono::milliseconds(*number);
}

std::string ShowSize(std::size_t bytes) { return Show(bytes, kSizes); }

std::string ShowTime(std::chrono::milliseconds time) {
  return Show(static_cast<std::size_t>(time.count()), kTimes);
}

}  // namespace bulla::service
