#include "service/health.h"

#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "service/version.h"

namespace bulla::service {
namespace {

using Exchange = std::shared_ptr<http::Exchange>;

http::Response Answer(bool well, const nlohmann::json& body) {
  http::Response response{.status = well ? 200 : 503, .body = body.dump()};
  if (!well) response.fields.emplace_back("Retry-After", "2");
  return response;
}

const char* UpOrDown(const database::Pool& pool) { return pool.up() ? "up" : "down"; }

http::Response Ready(const Health& health) {
  const bool ready = health.everyday.up() && health.long_calls.up() && !health.draining;
  return Answer(
      ready, {{"status", ready ? "ready" : "not ready"},
              {"draining", health.draining.load()},
              {"database",
               {{"everyday", UpOrDown(health.everyday)}, {"long", UpOrDown(health.long_calls)}}}});
}

}  // namespace

void AddHealth(http::Router& router, const Health& health) {
  router.Add("GET", "/health", [&health](const Exchange& exchange, const http::Parameters&) {
    const bool well = health.everyday.up();
    exchange->Answer(
        Answer(well, {{"status", well ? "ok" : "unavailable"}, {"version", Version()}}));
  });
}

void AddAdministration(http::Router& router, const Health& health, const Metrics& metrics) {
  router.Add("GET", "/health/live", [](const Exchange& exchange, const http::Parameters&) {
    exchange->Answer(Answer(true, {{"status", "live"}}));
  });
  router.Add("GET", "/health/ready", [&health](const Exchange& exchange, const http::Parameters&) {
    exchange->Answer(Ready(health));
  });
  router.Add("GET", "/metrics", [&metrics](const Exchange& exchange, const http::Parameters&) {
    exchange->Answer(
        {.body = metrics.Text(), .content_type = "text/plain; version=0.0.4; charset=utf-8"});
  });
}

}  // namespace bulla::service
