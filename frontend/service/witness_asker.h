// Asking witnesses to cosign the checkpoint of bulla.heads.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "client/http_client.h"
#include "service/config.h"
#include "service/log.h"
#include "service/metrics.h"
#include "service/regular_job.h"

namespace bulla::service {

// Looks regularly which of the witnesses in bulla.witnesses are due, whichever bullad asked them last, asks them (C2SP
// tlog-witness, add-checkpoint), checks what they answer and hands it to the database. What goes wrong with a witness is
// logged once, until there is another reason or an answer.
class WitnessAsker {
 public:
  // Throws std::runtime_error where libcurl cannot be set up.
  WitnessAsker(LanePool lane, const Config::Witnesses& settings, Log& log);

  // By the label witness: when it cosigned last, before that when it was added, in seconds since 1970; how often
  // this bullad asked in vain; whether it, or this database, says that the log contradicts what the witness has seen.
  std::vector<Sample> heard_at() const;
  std::vector<Sample> failures() const;
  std::vector<Sample> disagrees() const;

  // Cancels what runs, without waiting for it.
  void Stop();

 private:
  struct Witness {
    std::string name, vkey, url;
    double heard_at = 0;
    bool is_due = false;
  };
  struct State {
    double heard_at = 0;
    double failures = 0;
    bool disagrees = false;
    std::string trouble;  // what was logged last
  };
  // Why a witness has not cosigned, or nothing.
  struct Trouble {
    std::string what;
    bool disagrees = false;
  };
  using Failure = std::optional<Trouble>;

  std::chrono::milliseconds Take(const database::Outcome& outcome);
  static std::optional<std::vector<Witness>> Read(const database::Outcome& outcome);
  void Show(const std::vector<Witness>& witnesses);
  Failure Ask(const Witness& witness);
  Failure Keep(const Witness& witness, const std::string& body, const std::string& lines);
  std::optional<std::string> Call(std::size_t statement, std::vector<const char*> parameters,
                                  Failure* failure);
  void Tell(const Witness& witness, const Failure& failure);
  std::vector<Sample> Samples(double (*value)(const State& state)) const;

  const std::chrono::milliseconds every_;
  const std::string every_text_;  // the parameter of the call
  LanePool lane_;
  Log& log_;
  client::HttpClient client_;  // the job's
  std::stop_source stop_;
  bool may_not_ = false;  // that was logged; the job's
  mutable std::mutex mutex_;
  std::map<std::string, State> states_;  // under mutex_
  RegularJob job_;                       // last: it uses all the others
};

}  // namespace bulla::service
