// The regular verification of all audit events.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "database/pool.h"
#include "service/log.h"
#include "service/rest.h"

namespace bulla::service {

// Has everything verified at start and then regularly, in a thread of its own. A finding is logged as an
// error; what cannot be verified, because the database is away, is tried again soon.
class Verifier {
 public:
  Verifier(LanePool lane, std::chrono::milliseconds every, Log& log);
  ~Verifier();  // stops
  Verifier(const Verifier&) = delete;
  Verifier& operator=(const Verifier&) = delete;

  // 1 sound, 0 broken; nothing until a verification has finished.
  std::optional<double> integrity() const;
  // When the last one has finished, in seconds since 1970.
  std::optional<double> verified_at() const;

  // Cancels what runs, without waiting for it.
  void Stop();

 private:
  void Work();
  std::chrono::milliseconds Verify();
  database::Outcome Call();
  bool Judge(const std::string& answer);

  const LanePool lane_;
  const std::chrono::milliseconds every_;
  Log& log_;
  std::atomic<int> sound_{-1};
  std::atomic<double> verified_at_{0};
  std::atomic<bool> stopping_{false};  // written under mutex_
  std::mutex mutex_;
  std::condition_variable changed_;
  std::thread thread_;
};

}  // namespace bulla::service
