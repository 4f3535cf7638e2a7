// Work that must not hold up the witness, in a thread of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "service/log.h"

namespace bulla::witness {

// Works when it is woken, and as long as that fails again after pauses that grow from a second to five minutes.
class Background {
 public:
  // Returns why it failed; empty: nothing is left to do. `stop` ends it early, then what it returns does not matter.
  using Work = std::function<std::string(std::stop_token stop)>;

  // `name` is for people, in log and metrics.
  Background(std::string name, service::Log& log, Work work);
  ~Background();  // stops
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  void Wake();
  void Stop();  // waits for its end

  const std::string& name() const { return name_; }
  std::uint64_t failures() const { return failures_; }
  // Seconds since 1970 when it was last done, 0: never.
  std::int64_t done_at() const { return done_at_; }

 private:
  void Run(std::stop_token stop);
  void Note(const std::string& failure);

  const std::string name_;
  service::Log& log_;
  const Work work_;
  std::atomic<std::uint64_t> failures_{0};
  std::atomic<std::int64_t> done_at_{0};
  bool failing_ = false;  // the thread's own
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool wanted_ = false;  // under mutex_
  std::jthread thread_;  // last: it uses all the others
};

}  // namespace bulla::witness
