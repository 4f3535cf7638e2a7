// Where cosigned checkpoints go, beside the answers; and whether what went there is ahead of us.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/witness_state.h"
#include "witness/peer.h"
#include "witness/webhook.h"

namespace bulla::witness {

// What was published cannot be read back now.
struct ReadBackError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Targets {
  std::string directory;
  std::vector<std::string> webhooks, peers;  // URLs
  client::Rules rules;
};

// A directory with DIRECTORY/NAME/checkpoint for each log, as a witness's monitoring prefix has it: any web server can serve it.
// And webhooks and peers, each of which has a thread of its own.
class Publisher {
 public:
  Publisher(const Targets& targets, EvidenceStore& evidence, service::Log& log,
            const std::function<PosixTime()>& now);

  // Into the directory: on disk when it returns. Throws FileError.
  void Write(const std::string& name, const std::string& note);
  // To the others, later.
  void Send(const std::string& name, const std::string& note);
  void Tell(const Step& step);

  void Stop();
  // All that works in the background, for metrics.
  std::vector<Background*> backgrounds() const;

 private:
  const std::string directory_;
  std::vector<std::unique_ptr<Webhook>> webhooks_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

}  // namespace bulla::witness
