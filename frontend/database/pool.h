// Threads that each call the database over a connection of their own, behind one bounded queue.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "database/connection.h"

namespace bulla::database {

// One call of a prepared statement.
struct Job {
  std::size_t statement = 0;
  // Texts, nullptr for NULL; valid until `done` has returned or the job is destroyed.
  std::vector<const char*> parameters;
  bool binary =
      false;  // how values of the answer come: as texts, or as the server sends them in binary
  Clock::time_point deadline;
  std::function<bool()> unwanted;     // whether nobody waits for it any more; may be empty
  std::function<void(Outcome)> done;  // called once, in one of the pool's threads
};

struct PoolOptions {
  std::size_t connections = 1;
  std::size_t queue = 1;  // jobs that wait; above, new ones are refused
  ConnectionOptions connection;
  // What happened to the connections, and whether it is good news. Called from the pool's threads.
  std::function<void(bool well, std::string_view what)> report;
};

struct PoolCounts {
  std::size_t connections = 0;  // that are up
  std::size_t busy = 0;         // of these, with a call under way
  std::size_t queued = 0;
};

// Connections are made and, when they are lost, made again in the background; idle ones are tried about
// every second, so that an outage is known before a client meets it.
class Pool {
 public:
  explicit Pool(PoolOptions options);
  ~Pool();  // Stop() where it was not called
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  enum class Submitted { kYes, kFull, kDown };

  // Never waits. Where it is not kYes, the job is destroyed and `done` is not called. Jobs that wait
  // when the last connection is lost come to kNotRun; those whose deadline passes or that become
  // unwanted while they wait are not run and come to kDeadline.
  Submitted Submit(Job job);

  bool up() const { return counts().connections > 0; }
  PoolCounts counts() const;

  // Takes no more jobs, lets those that wait come to kNotRun, cancels those that run, and returns when
  // the threads have ended.
  void Stop();

 private:
  void Work();
  void Serve(Connection& connection);
  void Run(Connection& connection, Job job);
  bool PutBack(Job& job);
  std::optional<Job> Next();
  void Came();
  void Went();
  void Trouble(const std::string& what);
  void Pause(std::chrono::milliseconds time);

  const PoolOptions options_;
  std::atomic<std::size_t> busy_{0};
  std::atomic<bool> stopping_{false};  // written under mutex_
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // a job came, or the pool stops
  // Under mutex_:
  std::deque<Job> queue_;
  std::size_t connections_ = 0;
  std::string trouble_;  // what was reported last; empty while all is well
  std::vector<std::thread> threads_;
};

}  // namespace bulla::database
