// Log lines: one JSON object per line on standard error.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "service/line_writer.h"

namespace bulla::service {

enum class Level { kDebug, kInfo, kWarning, kError };

std::optional<Level> ParseLevel(std::string_view name);  // debug, info, warning or error
std::string_view LevelName(Level level);

// A member of a line. Never a token, a body, a query string or a connection string.
using LogField =
    std::pair<std::string_view,
              std::variant<std::string_view, std::int64_t, double, std::vector<std::string>>>;

// {"time":"2026-01-31T12:00:00.123456Z","level":"info","message":…, then the fields}, without a line
// end. What is not UTF-8 is replaced.
std::string LogLine(std::chrono::system_clock::time_point time, Level level,
                    std::string_view message, std::initializer_list<LogField> fields);

// Whoever writes never waits for a slow reader: see LineWriter.
class Log {
 public:
  explicit Log(Level least, int descriptor = 2);

  bool Wants(Level level) const { return level >= least_; }

  // May take some milliseconds to appear; warnings and errors appear at once.
  void Write(Level level, std::string_view message, std::initializer_list<LogField> fields = {});

  // Lines that did not appear because the reader was too slow.
  std::size_t dropped() const { return writer_.dropped(); }

 private:
  const Level least_;
  LineWriter writer_;
};

}  // namespace bulla::service
