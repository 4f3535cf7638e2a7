// The regular sealing of all ledgers.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "database/pool.h"
#include "service/log.h"
#include "service/regular_job.h"

namespace bulla::service {

// Calls bulla.seal_round again and again: of several bullads one seals. What goes wrong is logged once, until there is
// another reason or a round that went well.
class Sealer {
 public:
  // The pool has the one statement that SealRoundSql says.
  Sealer(LanePool lane, std::chrono::milliseconds every, Log& log);
  static std::string SealRoundSql();

  // For how many seconds rows may have been waiting to be sealed: since the last round that left none, of
  // whichever bullad, or since the start. Nothing where there is nothing to seal: the log has no name, or
  // this is a standby.
  std::optional<double> lag() const;
  // When that round ended, in seconds since 1970; nothing before the first.
  std::optional<double> sealed_at() const;
  double trees() const { return static_cast<double>(trees_); }  // that grew
  double failures() const {
    return static_cast<double>(failures_);
  }  // rounds that left rows unsealed

  // Cancels what runs, without waiting for it.
  void Stop() { job_.Stop(); }

 private:
  std::chrono::milliseconds Take(const database::Outcome& outcome);
  bool Judge(const std::string& answer);
  void Covered(double seconds_ago);
  void Fail(const std::string& reason, const std::string& hint);
  // Once for each state.
  void Tell(Level level, const std::string& state, std::string_view what,
            std::initializer_list<LogField> fields);

  const std::chrono::milliseconds every_;
  const std::string not_since_;  // the parameter of the call
  Log& log_;
  std::string state_;              // what was logged last; the job's
  std::atomic<bool> idle_{false};  // there is nothing to seal
  std::atomic<double> covered_;    // all rows from before are sealed; as SteadyNow
  std::atomic<double> sealed_at_{0};
  std::atomic<std::uint64_t> trees_{0};
  std::atomic<std::uint64_t> failures_{0};
  RegularJob job_;  // last: it uses all the others
};

}  // namespace bulla::service
