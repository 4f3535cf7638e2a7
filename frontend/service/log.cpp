#include "service/log.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include <nlohmann/json.hpp>

namespace bulla::service {
namespace {

constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warning", "error"};

void AppendTime(std::string& line, std::chrono::system_clock::time_point time) {
  const auto since = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(since - seconds);
  const std::time_t whole = seconds.count();
  std::tm parts{};
  gmtime_r(&whole, &parts);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "%FT%T", &parts);
  std::snprintf(text + size, sizeof text - size, ".%06dZ", static_cast<int>(micros.count()));
  line += text;
}

void AppendString(std::string& line, std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char byte) {
    return byte >= ' ' && byte < 127 && byte != '"' && byte != '\\';
  });
  if (plain)
    line.append("\"").append(text).append("\"");
  else
    line += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void AppendValue(std::string& line, const LogField::second_type& value) {
  if (const auto* text = std::get_if<std::string_view>(&value))
    AppendString(line, *text);
  else if (const auto* number = std::get_if<std::int64_t>(&value))
    line += std::to_string(*number);
  else if (const auto* fraction = std::get_if<double>(&value))
    line += nlohmann::json(*fraction).dump();
  else
    line += nlohmann::json(std::get<std::vector<std::string>>(value)).dump();
}

}  // namespace

std::optional<Level> ParseLevel(std::string_view name) {
  const auto found = std::find(kLevels.begin(), kLevels.end(), name);
  if (found == kLevels.end()) return std::nullopt;
  return static_cast<Level>(found - kLevels.begin());
}

std::string_view LevelName(Level level) { return kLevels[static_cast<std::size_t>(level)]; }

std::string LogLine(std::chrono::system_clock::time_point time, Level level,
                    std::string_view message, std::initializer_list<LogField> fields) {
  std::string line;
  line.reserve(384);
  line += R"({"time":")";
  AppendTime(line, time);
  line += R"(","level":")";
  line += LevelName(level);
  line += R"(","message":)";
  AppendString(line, message);
  for (const auto& [name, value] : fields) {
    line += ',';
    AppendString(line, name);
    line += ':';
    AppendValue(line, value);
  }
  line += '}';
  return line;
}

Log::Log(Level least, int descriptor) : least_(least), writer_(descriptor) {}

void Log::Write(Level level, std::string_view message, std::initializer_list<LogField> fields) {
  if (!Wants(level)) return;
  writer_.Add(LogLine(std::chrono::system_clock::now(), level, message, fields),
              level >= Level::kWarning);
}

}  // namespace bulla::service
