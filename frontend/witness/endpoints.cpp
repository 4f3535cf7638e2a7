#include "witness/endpoints.h"

#include <memory>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "http/problem.h"
#include "service/version.h"

namespace bulla::witness {
namespace {

using Exchange = std::shared_ptr<http::Exchange>;

constexpr const char* kText = "text/plain; charset=utf-8";
constexpr const char* kSize = "text/x.tlog.size";
constexpr const char* kAddCheckpoint = "/add-checkpoint";
constexpr const char* kCheckpoint = "/{log}/checkpoint";

http::Response Refusal(const http::Request& request, int status, std::string_view detail) {
  http::Response response =
      http::MakeProblem({.status = status, .detail = detail, .request_id = request.id});
  if (status == 503) response.fields.emplace_back("Retry-After", "2");
  return response;
}

http::Response AnswerTo(const http::Request& request, const Reply& reply) {
  if (reply.status == 200 || reply.status == 409)
    return {.status = reply.status,
            .body = reply.text,
            .content_type = reply.status == 200 ? kText : kSize,
            .fields = {{"Cache-Control", "no-store"}}};
  return Refusal(request, reply.status, reply.text);
}

void AddCheckpointTo(Witness& witness, const Exchange& exchange) {
  const bool accepted = witness.Submit(
      {.body = exchange->request().body,
       .done = [exchange](
                   const Reply& reply) { exchange->Answer(AnswerTo(exchange->request(), reply)); },
       .unwanted = [exchange] { return exchange->abandoned(); }});
  if (!accepted)
    exchange->Answer(Refusal(exchange->request(), 503, "too many requests wait: nothing was done"));
}

http::Response Json(bool well, const nlohmann::json& body) {
  http::Response response{.status = well ? 200 : 503, .body = body.dump()};
  if (!well) response.fields.emplace_back("Retry-After", "2");
  return response;
}

bool CanSign(const Witness& witness) {
  return witness.well() && witness.seconds_behind() <= Witness::kClockSlack;
}

service::GaugeFamily PerLog(std::string name, std::string help, const Witness& witness,
                            double (*value)(const LogStatus&)) {
  return {std::move(name), std::move(help), [&witness, value] {
            std::vector<service::Sample> samples;
            for (const auto& log : witness.logs())
              samples.push_back({{{"origin", log->origin}}, value(*log)});
            return samples;
          }};
}

void AddTarget(service::Metrics& metrics, const Background& target) {
  metrics.Add(service::Gauge{"bulla_witness_published_timestamp_seconds",
                             "When a target last had all that it was to have.",
                             {{"target", target.name()}},
                             [&target]() -> std::optional<double> {
                               if (target.done_at() == 0) return {};
                               return static_cast<double>(target.done_at());
                             }});
  metrics.Add(service::Gauge{"bulla_witness_publish_failures_total",
                             "Attempts to publish to a target that failed.",
                             {{"target", target.name()}},
                             [&target] { return static_cast<double>(target.failures()); },
                             true});
}

}  // namespace

void AddEndpoints(http::Router& router, Witness& witness) {
  router.Add("POST", kAddCheckpoint, [&witness](const Exchange& exchange, const http::Parameters&) {
    AddCheckpointTo(witness, exchange);
  });
  router.Add(
      "GET", kCheckpoint, [&witness](const Exchange& exchange, const http::Parameters& parameters) {
        const auto log = witness.Find(parameters.at("log"));
        exchange->Answer(log ? http::Response{.body = log->note,
                                              .content_type = kText,
                                              .fields = {{"Cache-Control", "no-cache"}}}
                             : Refusal(exchange->request(), 404,
                                       "this witness has cosigned no checkpoint of such a log; the "
                                       "path is the SHA-256 of the origin in hexadecimal"));
      });
  router.Add("GET", "/health", [&witness](const Exchange& exchange, const http::Parameters&) {
    const bool well = CanSign(witness);
    exchange->Answer(
        Json(well, {{"status", well ? "ok" : "unavailable"}, {"version", service::Version()}}));
  });
}

void AddAdministration(http::Router& router, const Witness& witness,
                       const std::atomic<bool>& draining, const service::Metrics& metrics) {
  router.Add("GET", "/health/live", [](const Exchange& exchange, const http::Parameters&) {
    exchange->Answer(Json(true, {{"status", "live"}}));
  });
  router.Add("GET", "/health/ready",
             [&witness, &draining](const Exchange& exchange, const http::Parameters&) {
               const bool ready = CanSign(witness) && !draining;
               exchange->Answer(Json(ready, {{"status", ready ? "ready" : "not ready"},
                                             {"draining", draining.load()},
                                             {"writes", witness.well() ? "ok" : "failing"},
                                             {"clockBehindSeconds", witness.seconds_behind()}}));
             });
  router.Add("GET", "/metrics", [&metrics](const Exchange& exchange, const http::Parameters&) {
    exchange->Answer(
        {.body = metrics.Text(), .content_type = "text/plain; version=0.0.4; charset=utf-8"});
  });
}

std::vector<std::string> Routes() {
  return {kAddCheckpoint, kCheckpoint, "/health", "/health/live", "/health/ready", "/metrics"};
}

void AddGauges(service::Metrics& metrics, const Witness& witness, const EvidenceStore& evidence,
               const Publisher& publisher) {
  for (const Background* target : publisher.backgrounds()) AddTarget(metrics, *target);
  metrics.Add(service::GaugeFamily{
      "bulla_witness_consistent",
      "0 while evidence against the log waits to be acknowledged, else 1.", [&witness, &evidence] {
        std::vector<service::Sample> samples;
        for (const std::string& origin : witness.origins())
          samples.push_back({{{"origin", origin}}, evidence.consistent(origin) ? 1.0 : 0.0});
        return samples;
      }});
  metrics.Add(
      PerLog("bulla_witness_tree_size", "Size of the tree that was cosigned last.", witness,
             [](const LogStatus& log) { return static_cast<double>(log.checkpoint.size.value); }));
  metrics.Add(PerLog("bulla_witness_cosigned_timestamp_seconds", "Time of the last cosignature.",
                     witness,
                     [](const LogStatus& log) { return static_cast<double>(log.time.seconds); }));
  metrics.Add(service::Gauge{"bulla_witness_write_failures_total",
                             "Times that state or published checkpoint could not be written.",
                             {},
                             [&witness] { return static_cast<double>(witness.failures()); },
                             true});
  metrics.Add(service::Gauge{"bulla_witness_clock_behind_seconds",
                             "How far the clock is behind the last cosignature.",
                             {},
                             [&witness] { return static_cast<double>(witness.seconds_behind()); }});
  metrics.Add(service::Gauge{"bulla_build_info",
                             "Always 1; the version is a label.",
                             {{"version", std::string(service::Version())}},
                             [] { return 1.0; }});
}

}  // namespace bulla::witness
