// Log lines: one JSON object per line on standard error.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

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

// Lines are written by a thread of the log's own: whoever writes never waits for a slow reader. When too
// many lines wait, the oldest are dropped and counted.
class Log {
 public:
  explicit Log(Level least, int descriptor = 2);
  ~Log();  // writes what waits, for as long as the reader takes it
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  bool Wants(Level level) const { return level >= least_; }
  void Write(Level level, std::string_view message, std::initializer_list<LogField> fields = {});

  std::size_t dropped() const;

 private:
  struct Writer;
  const Level least_;
  std::unique_ptr<Writer> writer_;
};

}  // namespace bulla::service
