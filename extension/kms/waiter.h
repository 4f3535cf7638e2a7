// How code that may not know of PostgreSQL waits for a provider: bounded, and given up when somebody
// cancels.
#pragma once

#include <chrono>
#include <span>
#include <string_view>

#include <poll.h>

#include "core/result.h"

namespace bulla {

// No limit beside the deadline.
inline constexpr std::chrono::milliseconds kUntilDeadline = std::chrono::hours(24);

// One per operation: its deadline counts from when it was made. All times are of the monotonic clock.
class Waiter {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Waiter(std::chrono::milliseconds limit)
      : limit_(limit), deadline_(Clock::now() + limit) {}
  virtual ~Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  // Waits until one of the descriptors is ready, `at_most` is over or the deadline has passed, and sets
  // each revents to POLLIN and POLLOUT as poll() does, the end of a pipe being readable or writable.
  // False when none is ready. kCancelled when the caller is asked to stop: what was begun must be
  // undone and the error passed on. May throw.
  virtual Result<bool> Wait(std::span<pollfd> descriptors, std::chrono::milliseconds at_most) = 0;

  // For the server's log, never for a client: at most a few lines of what a provider said.
  virtual void Note(std::string_view text) = 0;

  std::chrono::milliseconds limit() const { return limit_; }
  Clock::time_point deadline() const { return deadline_; }
  // Never negative.
  std::chrono::milliseconds left() const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
    return left.count() > 0 ? left : std::chrono::milliseconds(0);
  }

 private:
  std::chrono::milliseconds limit_;
  Clock::time_point deadline_;
};

}  // namespace bulla
