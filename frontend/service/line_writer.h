// Writes lines to a descriptor from a thread of its own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace bulla::service {

// Whoever adds a line never waits for the reader, and mostly does not wake the thread either: lines are
// collected for some milliseconds and written together. When too many wait, the oldest are dropped.
class LineWriter {
 public:
  explicit LineWriter(int descriptor);  // which stays the caller's to close
  ~LineWriter();  // writes what waits; gives up on a reader that takes nothing for a second
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  // A line without its end. `soon`: do not collect others first.
  void Add(std::string line, bool soon);

  std::size_t dropped() const { return dropped_; }

 private:
  void Run();
  void Write(std::string_view bytes);
  bool WaitForReader();

  const int descriptor_;
  std::atomic<std::size_t> dropped_{0};
  std::atomic<bool> ends_{false};  // written under mutex_
  bool given_up_ = false;          // the thread's own: nobody reads any more
  std::mutex mutex_;
  std::condition_variable changed_;
  // Under mutex_:
  std::deque<std::string> waiting_;
  bool soon_ = false;
  std::thread thread_;
};

}  // namespace bulla::service
