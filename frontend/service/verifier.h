// The regular verification of all audit events.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>

#include "database/pool.h"
#include "service/log.h"
#include "service/regular_job.h"

namespace bulla::service {

// Has everything verified at start and then regularly. A finding is logged as an error; what cannot be verified, because the database is away, is tried again soon.
class Verifier {
 public:
  Verifier(LanePool lane, std::chrono::milliseconds every, Log& log);

  // 1 sound, 0 broken; nothing until a verification has finished.
  std::optional<double> integrity() const;
  // When the last one has finished, in seconds since 1970.
  std::optional<double> verified_at() const;

  // Cancels what runs, without waiting for it.
  void Stop() { job_.Stop(); }

 private:
  std::chrono::milliseconds Take(const database::Outcome& outcome);
  bool Judge(const std::string& answer);

  const std::chrono::milliseconds every_;
  Log& log_;
  std::atomic<int> sound_{-1};
  std::atomic<double> verified_at_{0};
  RegularJob job_;  // last: it uses all the others
};

}  // namespace bulla::service
