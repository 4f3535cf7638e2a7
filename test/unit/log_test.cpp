#include "service/log.h"

#include <chrono>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace bulla::service {
namespace {

using namespace std::chrono_literals;
using std::chrono::system_clock;

class Pipe {
 public:
  Pipe() { EXPECT_EQ(pipe(ends_), 0); }
  ~Pipe() {
    close(ends_[0]);
    CloseWriter();
  }
  int writer() const { return ends_[1]; }
  void CloseWriter() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }
  // All that was written, once the writer is closed.
  std::string ReadAll() {
    CloseWriter();
    std::string text;
    char part[4096];
    for (ssize_t got; (got = read(ends_[0], part, sizeof part)) > 0;)
      text.append(part, static_cast<std::size_t>(got));
    return text;
  }

 private:
  int ends_[2] = {-1, -1};
};

TEST(LogTest, ALineIsOneJsonObjectInUtc) {
  const system_clock::time_point time{1769860800s + 7us};
  EXPECT_EQ(LogLine(time, Level::kInfo, "request",
                    {{"route", "/v1/audit/{eventId}"},
                     {"status", 200},
                     {"duration_ms", 1.25},
                     {"addresses", std::vector<std::string>{"127.0.0.1:1", "[::1]:2"}}}),
            R"({"time":"2026-01-31T12:00:00.000007Z","level":"info","message":"request",)"
            R"("route":"/v1/audit/{eventId}","status":200,"duration_ms":1.25,)"
            R"("addresses":["127.0.0.1:1","[::1]:2"]})");
}

// A client chooses paths: it must not be able to forge a line or a member.
TEST(LogTest, NothingThatIsLoggedLeavesItsString) {
  for (const std::string& path :
       {std::string("\"},\n{\"level\":\"error\""), std::string("\\"),
        std::string("a\0b\x1b[31m\x7f", 9), std::string("\xE2\x80\xA8")}) {
    const std::string line = LogLine({}, Level::kInfo, "request", {{"path", path}});
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_EQ(nlohmann::json::parse(line)["path"], path);
  }
}

TEST(LogTest, WhatIsNotUtf8IsReplaced) {
  const std::string line = LogLine({}, Level::kInfo, "request", {{"path", "/\xFF"}});
  EXPECT_EQ(nlohmann::json::parse(line)["path"], "/\xEF\xBF\xBD");
}

TEST(LogTest, LinesBelowTheLevelAreNotWritten) {
  Pipe pipe;
  {
    Log log(Level::kWarning, pipe.writer());
    EXPECT_FALSE(log.Wants(Level::kInfo));
    log.Write(Level::kInfo, "quiet");
    log.Write(Level::kWarning, "loud");
    log.Write(Level::kError, "louder");
  }
  const std::string text = pipe.ReadAll();
  EXPECT_EQ(text.find("quiet"), std::string::npos);
  EXPECT_NE(text.find("\"message\":\"loud\"}\n"), std::string::npos);
  EXPECT_NE(text.find("\"message\":\"louder\"}\n"), std::string::npos);
}

TEST(LogTest, AReaderThatDoesNotReadHoldsUpNobody) {
  Pipe pipe;
  const std::string field(1000, 'x');
  {
    Log log(Level::kInfo, pipe.writer());
    for (int i = 0; i < 20'000; ++i)
      log.Write(Level::kInfo, "line", {{"number", i}, {"field", field}});
    EXPECT_GT(log.dropped(), 0U);
  }  // nor the end of the log
  EXPECT_NE(pipe.ReadAll().find("\"number\":0,"), std::string::npos);
}

TEST(LogTest, KnowsItsLevelsByName) {
  for (const Level level : {Level::kDebug, Level::kInfo, Level::kWarning, Level::kError})
    EXPECT_EQ(ParseLevel(LevelName(level)), level);
  EXPECT_FALSE(ParseLevel("loud"));
  EXPECT_FALSE(ParseLevel(""));
}

}  // namespace
}  // namespace bulla::service
