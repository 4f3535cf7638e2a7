// The kinds of values that can be configured.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "service/config.h"

namespace bulla::service {

// Each with its place in Config and what is allowed.
struct TextKey {
  std::string& (*of)(Config&);
};
struct ListKey {
  std::vector<std::string>& (*of)(Config&);
  bool may_be_empty;
};
struct CountKey {
  std::size_t& (*of)(Config&);
  std::size_t least, most;
};
struct SizeKey {  // bytes
  std::size_t& (*of)(Config&);
  std::size_t least, most;
};
struct TimeKey {
  std::chrono::milliseconds& (*of)(Config&);
  std::chrono::milliseconds least, most;
};
struct LevelKey {
  Level& (*of)(Config&);
};

using ConfigKind = std::variant<TextKey, ListKey, CountKey, SizeKey, TimeKey, LevelKey>;

using GivenValue = std::variant<std::string, std::int64_t, std::vector<std::string>>;
// What the text of an environment variable stands for; the texts of a list are separated by commas.
GivenValue FromEnvironment(const ConfigKind& kind, std::string_view text);

// Puts the value into its place. False where it is not allowed; then the place is as it was.
bool SetValue(const ConfigKind& kind, const GivenValue& value, Config& config);

// "a whole number from 1 to 64"
std::string Allowed(const ConfigKind& kind);

// The value as a TOML file has it.
std::string ShowValue(const ConfigKind& kind, Config& config);

}  // namespace bulla::service
