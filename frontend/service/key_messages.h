// What is used of the message budgets of keys, for /metrics.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "service/log.h"
#include "service/metrics.h"
#include "service/regular_job.h"

namespace bulla::service {

// Reads regularly how many messages the versions of AES-256-GCM keys that seal have sealed. What it last
// read stands while the database is away; where the database refuses or is too slow, there is nothing to
// show, which is logged once, until there is another reason or an answer.
class KeyMessages {
 public:
  KeyMessages(LanePool lane, std::chrono::milliseconds every, Log& log);

  // By the labels key and version. A version whose count is missing has a budget only.
  std::vector<Sample> sealed() const;
  std::vector<Sample> budget() const;

  // Cancels what runs, without waiting for it.
  void Stop() { job_.Stop(); }

 private:
  struct Count {
    std::string key;
    std::string version;
    std::optional<double> sealed;
    double budget;
  };

  static std::optional<std::vector<Count>> Read(const database::Outcome& outcome);
  std::chrono::milliseconds Take(const database::Outcome& outcome);
  void Tell(const database::Outcome& outcome, bool well);

  const std::chrono::milliseconds every_;
  Log& log_;
  std::optional<std::string> trouble_;  // what was logged last; the job's
  mutable std::mutex mutex_;
  std::vector<Count> counts_;  // under mutex_
  RegularJob job_;             // last: it uses all the others
};

}  // namespace bulla::service
