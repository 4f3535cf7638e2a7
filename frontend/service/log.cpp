#include "service/log.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <ctime>

#include <nlohmann/json.hpp>
#include <poll.h>
#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/sinks/sink.h>
#include <unistd.h>

namespace bulla::service {
namespace {

constexpr std::size_t kWaitingLines = 8192;
constexpr int kLastWaitMs = 1'000;  // for the reader, when the log ends

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

// Waits for the reader while the log lives, and a last time when it ends.
class DescriptorSink : public spdlog::sinks::sink {
 public:
  explicit DescriptorSink(int descriptor) : descriptor_(descriptor) {}

  void End() { ends_ = true; }

  void log(const spdlog::details::log_msg& message) override {
    std::string line(message.payload.data(), message.payload.size());
    line += '\n';
    std::string_view left = line;
    while (!left.empty() && Writable()) {
      const ssize_t written = write(descriptor_, left.data(), left.size());
      if (written > 0)
        left.remove_prefix(static_cast<std::size_t>(written));
      else if (errno != EINTR && errno != EAGAIN)
        return;  // nobody reads any more
    }
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  bool Writable() {
    pollfd descriptor{descriptor_, POLLOUT, 0};
    while (!given_up_) {
      const bool ends = ends_;
      if (poll(&descriptor, 1, ends ? kLastWaitMs : 250) > 0) return true;
      given_up_ = ends;
    }
    return false;
  }

  const int descriptor_;
  std::atomic<bool> ends_{false};
  bool given_up_ = false;
};

}  // namespace

struct Log::Writer {
  explicit Writer(int descriptor)
      : sink(std::make_shared<DescriptorSink>(descriptor)),
        threads(std::make_shared<spdlog::details::thread_pool>(kWaitingLines, 1)),
        logger(std::make_shared<spdlog::async_logger>(
            "bullad", sink, threads, spdlog::async_overflow_policy::overrun_oldest)) {}

  std::shared_ptr<DescriptorSink> sink;
  std::shared_ptr<spdlog::details::thread_pool> threads;  // its end waits for the lines before it
  std::shared_ptr<spdlog::async_logger> logger;
};

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

Log::Log(Level least, int descriptor)
    : least_(least), writer_(std::make_unique<Writer>(descriptor)) {}

Log::~Log() { writer_->sink->End(); }

void Log::Write(Level level, std::string_view message, std::initializer_list<LogField> fields) {
  if (!Wants(level)) return;
  const std::string line = LogLine(std::chrono::system_clock::now(), level, message, fields);
  writer_->logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

std::size_t Log::dropped() const { return writer_->threads->overrun_counter(); }

}  // namespace bulla::service
