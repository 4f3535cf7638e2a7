// One request and its answer, from the moment the request is complete to the moment it is answered.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "http/message.h"

namespace bulla::http {

using Clock = std::chrono::steady_clock;

// Held by shared_ptr and handed from thread to thread; any thread may answer. The first answer counts,
// later ones are dropped. An exchange that is let go of without an answer is answered with 500, so no
// client waits for what nobody works on.
class Exchange {
 public:
  // `deliver` takes the answer to where the connection lives; called once, from any thread.
  using Deliver = std::function<void(Exchange&, Response)>;

  Exchange(Request request, Deliver deliver)
      : request_(std::move(request)), deliver_(std::move(deliver)) {}
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const Request& request() const { return request_; }
  Clock::time_point arrived() const { return arrived_; }

  void Answer(Response response) noexcept;

  // Whether the client has gone: work that was not begun need not be. Set by the connection.
  bool abandoned() const { return abandoned_.load(std::memory_order_relaxed); }
  void Abandon() { abandoned_.store(true, std::memory_order_relaxed); }

  // The route that the request took, for log and metrics: a pattern such as "/v1/audit/{eventId}", never
  // the path. Set by the router before the handler runs.
  const std::string& route() const { return route_; }
  void set_route(std::string route) { route_ = std::move(route); }

 private:
  Request request_;
  Deliver deliver_;
  std::string route_ = "unmatched";
  Clock::time_point arrived_ = Clock::now();
  std::atomic<bool> answered_{false};
  std::atomic<bool> abandoned_{false};
};

using Handler = std::function<void(std::shared_ptr<Exchange>)>;

}  // namespace bulla::http
