// Whether bullad serves, and whether it can.
#pragma once

#include <atomic>

#include "database/pool.h"
#include "http/router.h"
#include "service/metrics.h"

namespace bulla::service {

// What decides whether a load balancer should send requests here.
struct Health {
  const database::Pool& everyday;
  const database::Pool& long_calls;
  std::atomic<bool> draining{false};
};

// GET /health, for clients: 200 while everyday calls can be made, else 503.
void AddHealth(http::Router& router, const Health& health);

// GET /health/live: 200 as long as there is an answer. GET /health/ready: 200, or 503 with what is
// missing. GET /metrics.
void AddAdministration(http::Router& router, const Health& health, const Metrics& metrics);

}  // namespace bulla::service
