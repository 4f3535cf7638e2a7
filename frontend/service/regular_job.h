// A call of the database that is made again and again.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "database/pool.h"
#include "service/rest.h"

namespace bulla::service {

// One call of a prepared statement, waited for; kNotRun where the pool takes none. The parameters are texts, nullptr for
// NULL.
database::Outcome CallAndWait(LanePool lane, std::size_t statement,
                              std::vector<const char*> parameters, std::function<bool()> unwanted);

// Calls at once, and then after each pause that `take` asks for, in a thread of its own.
class RegularJob {
 public:
  // What a call came to; returns when to make the next one. Not called any more after Stop().
  using Take = std::function<std::chrono::milliseconds(database::Outcome)>;

  // A prepared statement of the pool; the parameters outlive the job.
  RegularJob(LanePool lane, std::size_t statement, std::vector<const char*> parameters, Take take);
  ~RegularJob();  // stops
  RegularJob(const RegularJob&) = delete;
  RegularJob& operator=(const RegularJob&) = delete;

  // Cancels a call that runs, without waiting for it.
  void Stop();

 private:
  void Work();

  const LanePool lane_;
  const std::size_t statement_;
  const std::vector<const char*> parameters_;
  const Take take_;
  std::atomic<bool> stopping_{false};  // written under mutex_
  std::mutex mutex_;
  std::condition_variable changed_;
  std::thread thread_;  // last: it uses all the others
};

}  // namespace bulla::service
