// Tells another witness what this one has cosigned, and hears whether it has seen anything else.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "client/http_client.h"
#include "core/add_checkpoint.h"
#include "witness/background.h"
#include "witness/evidence.h"

namespace bulla::witness {

// A tree that was cosigned, with the proof from the one before.
struct Step {
  std::string name;               // NameOfOrigin
  AddCheckpoint request;          // with the log's signatures alone
  std::vector<VerifierKey> keys;  // that are trusted for the origin
};

// A log that shows each witness another history is caught where witnesses talk: the peer gets every step as an add-checkpoint
// request. If it has another root for one of our sizes, what it shows is evidence against the log. A peer that is behind gets the
// steps it lacks as long as they are kept; beyond that the log has to prove to it itself. Its cosignatures are not kept:
// the log asks for these.
class Peer {
 public:
  static constexpr std::size_t kMostSteps = 64;  // kept, of each log

  // Throws std::runtime_error where libcurl cannot be set up. `now` as in Witness.
  Peer(std::string name, std::string prefix, const client::Rules& rules, EvidenceStore& evidence,
       service::Log& log, std::function<PosixTime()> now);

  void Tell(const Step& step);
  Background& background() { return background_; }

 private:
  struct Told {
    std::deque<Step> steps;
    std::optional<TreeSize> size;  // that the peer has, as far as is known
    bool pending = false;          // the newest step has not been told
  };

  std::string Work(std::stop_token stop);
  std::string TellLog(const std::string& log_name, std::stop_token stop);
  // The next request to make; nothing where nothing is left to say.
  static std::optional<AddCheckpoint> Next(const Told& told);
  void Compare(const Told& told, std::stop_token stop);
  Result<client::Reply> Ask(const std::string& path, const std::string* body, std::stop_token stop);

  const std::string prefix_;
  client::HttpClient client_;  // the thread's own
  EvidenceStore& evidence_;
  service::Log& log_;
  const std::function<PosixTime()> now_;
  std::mutex mutex_;
  std::map<std::string, Told> logs_;  // under mutex_, by name
  Background background_;             // last: it uses all the others
};

}  // namespace bulla::witness
