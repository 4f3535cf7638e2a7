#include "service/config_values.h"

#include <algorithm>
#include <optional>

#include <nlohmann/json.hpp>

#include "service/units.h"

namespace bulla::service {
namespace {

std::string Quoted(const std::string& text) {
  // A JSON string in ASCII is a TOML basic string, too.
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

// One function per kind and question, told apart by overloading.

template <typename Key, typename Number>
bool SetWithin(const Key& key, std::optional<Number> number, Config& config) {
  if (!number || *number < key.least || *number > key.most) return false;
  key.of(config) = *number;
  return true;
}

std::optional<std::size_t> Whole(const GivenValue& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr || *number < 0) return std::nullopt;
  return static_cast<std::size_t>(*number);
}

bool Set(const TextKey& key, const GivenValue& value, Config& config) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr || text->find('\0') != std::string::npos) return false;
  key.of(config) = *text;
  return true;
}
bool Set(const ListKey& key, const GivenValue& value, Config& config) {
  const auto* list = std::get_if<std::vector<std::string>>(&value);
  if (list == nullptr || (list->empty() && !key.may_be_empty)) return false;
  key.of(config) = *list;
  return true;
}
bool Set(const CountKey& key, const GivenValue& value, Config& config) {
  return SetWithin(key, Whole(value), config);
}
bool Set(const SizeKey& key, const GivenValue& value, Config& config) {
  const auto* text = std::get_if<std::string>(&value);
  return SetWithin(key, text != nullptr ? ParseSize(*text) : Whole(value), config);
}
bool Set(const TimeKey& key, const GivenValue& value, Config& config) {
  const auto* text = std::get_if<std::string>(&value);
  return text != nullptr && SetWithin(key, ParseTime(*text), config);
}
bool Set(const LevelKey& key, const GivenValue& value, Config& config) {
  const auto* text = std::get_if<std::string>(&value);
  const auto level = text != nullptr ? ParseLevel(*text) : std::nullopt;
  if (level) key.of(config) = *level;
  return level.has_value();
}

std::string AllowedOf(const TextKey&) { return "a text in quotes"; }
std::string AllowedOf(const ListKey& key) {
  return key.may_be_empty ? "a list of texts in quotes" : "a list of one or more texts in quotes";
}
std::string AllowedOf(const CountKey& key) {
  return "a whole number from " + std::to_string(key.least) + " to " + std::to_string(key.most);
}
std::string AllowedOf(const SizeKey& key) {
  return "a size from \"" + ShowSize(key.least) + "\" to \"" + ShowSize(key.most) + "\"";
}
std::string AllowedOf(const TimeKey& key) {
  return "a time from \"" + ShowTime(key.least) + "\" to \"" + ShowTime(key.most) + "\"";
}
std::string AllowedOf(const LevelKey&) {
  return "one of \"debug\", \"info\", \"warning\", \"error\"";
}

std::string Show(const TextKey& key, Config& config) { return Quoted(key.of(config)); }
std::string Show(const ListKey& key, Config& config) {
  std::string shown;
  for (const std::string& text : key.of(config))
    shown += (shown.empty() ? "" : ", ") + Quoted(text);
  return "[" + shown + "]";
}
std::string Show(const CountKey& key, Config& config) { return std::to_string(key.of(config)); }
std::string Show(const SizeKey& key, Config& config) { return Quoted(ShowSize(key.of(config))); }
std::string Show(const TimeKey& key, Config& config) { return Quoted(ShowTime(key.of(config))); }
std::string Show(const LevelKey& key, Config& config) {
  return Quoted(std::string(LevelName(key.of(config))));
}

}  // namespace

GivenValue FromEnvironment(const ConfigKind& kind, std::string_view text) {
  if (std::holds_alternative<CountKey>(kind)) {
    if (const auto count = ParseCount(text)) return static_cast<std::int64_t>(*count);
  }
  if (!std::holds_alternative<ListKey>(kind)) return std::string(text);
  std::vector<std::string> list;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    list.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return list;
}

bool SetValue(const ConfigKind& kind, const GivenValue& value, Config& config) {
  return std::visit([&](const auto& key) { return Set(key, value, config); }, kind);
}

std::string Allowed(const ConfigKind& kind) {
  return std::visit([](const auto& key) { return AllowedOf(key); }, kind);
}

std::string ShowValue(const ConfigKind& kind, Config& config) {
  return std::visit([&](const auto& key) { return Show(key, config); }, kind);
}

}  // namespace bulla::service
