// Sends each newest cosigned checkpoint to a URL.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "client/http_client.h"
#include "witness/background.h"

namespace bulla::witness {

// POST with the signed note as the body; anything but 2xx is tried again. Of a log whose checkpoints come faster than they are taken
// only the newest is sent.
class Webhook {
 public:
  // Throws std::runtime_error where libcurl cannot be set up.
  Webhook(std::string name, std::string url, const client::Rules& rules, service::Log& log);

  void Send(const std::string& log_name, std::string note);
  Background& background() { return background_; }

 private:
  std::string Work(std::stop_token stop);

  const std::string url_;
  client::HttpClient client_;  // the thread's own
  std::mutex mutex_;
  std::map<std::string, std::string> waiting_;  // under mutex_: notes by the log's name
  Background background_;                       // last: it uses all the others
};

// Throws where there is none.
client::HttpClient MakeClient(const client::Rules& rules);

}  // namespace bulla::witness
