#include "service/metrics.h"

#include <algorithm>
#include <limits>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace bulla::service {
namespace {

constexpr std::string_view kOther = "other";
constexpr std::array kMethods = {std::string_view("GET"),     std::string_view("HEAD"),
                                 std::string_view("POST"),    std::string_view("PUT"),
                                 std::string_view("PATCH"),   std::string_view("DELETE"),
                                 std::string_view("OPTIONS"), kOther};
constexpr int kClientGone = 499;  // what others call it when the client went before the answer
constexpr int kFirstStatus = 100;
constexpr int kLastStatus = 599;
// In seconds, as they are shown, and in microseconds.
constexpr std::array kBuckets = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                 0.1,    0.25,  0.5,    1.0,   2.5,  5.0,   10.0};

using Number = std::atomic<std::uint64_t>;
constexpr auto kRelaxed = std::memory_order_relaxed;

void AddTo(prometheus::MetricFamily& family, const Sample& sample) {
  prometheus::ClientMetric& metric = family.metric.emplace_back();
  for (const auto& [name, label] : sample.labels) metric.label.push_back({name, label});
  metric.gauge.value = sample.value;
  metric.counter.value = sample.value;
}

}  // namespace

struct Metrics::Route {
  std::array<std::array<Number, kLastStatus - kFirstStatus + 1>, kMethods.size()> requests{};
  std::array<Number, kBuckets.size() + 1> durations{};  // the last one: longer than all buckets
  Number microseconds{0};                               // of all requests
};

Metrics::Metrics(const std::vector<std::string>& routes) {
  for (const std::string& route : routes) routes_.try_emplace(route, std::make_unique<Route>());
  for (const char* const route : {"unmatched", "malformed"})
    routes_.try_emplace(route, std::make_unique<Route>());
}

Metrics::~Metrics() = default;

void Metrics::Count(const http::Answered& answered) {
  const auto found = routes_.find(answered.route);
  Route& route = *(found != routes_.end() ? found : routes_.find("unmatched"))->second;
  const auto method = std::find(kMethods.begin(), kMethods.end() - 1, answered.method);
  const int status =
      answered.status == 0 ? kClientGone : std::clamp(answered.status, kFirstStatus, kLastStatus);
  route
      .requests[static_cast<std::size_t>(method - kMethods.begin())]
               [static_cast<std::size_t>(status - kFirstStatus)]
      .fetch_add(1, kRelaxed);
  const double seconds = std::chrono::duration<double>(answered.duration).count();
  const auto bucket = std::lower_bound(kBuckets.begin(), kBuckets.end(), seconds);
  route.durations[static_cast<std::size_t>(bucket - kBuckets.begin())].fetch_add(1, kRelaxed);
  route.microseconds.fetch_add(static_cast<std::uint64_t>(answered.duration.count()), kRelaxed);
}

void Metrics::Add(Gauge gauge) {
  const auto end = std::find_if(gauges_.rbegin(), gauges_.rend(), [&](const Gauge& other) {
                     return other.name == gauge.name;
                   }).base();
  gauges_.insert(end == gauges_.begin() ? gauges_.end() : end, std::move(gauge));
}

prometheus::MetricFamily Metrics::Requests() const {
  prometheus::MetricFamily family{
      "agentidp_http_requests_total",
      "Requests by method, route and status; 499: the client went first.",
      prometheus::MetricType::Counter,
      {}};
  for (const auto& [name, route] : routes_) {
    for (std::size_t method = 0; method < kMethods.size(); ++method) {
      for (std::size_t status = 0; status < route->requests[method].size(); ++status) {
        const std::uint64_t count = route->requests[method][status].load(kRelaxed);
        if (count == 0) continue;
        prometheus::ClientMetric& metric = family.metric.emplace_back();
        metric.label = {{"method", std::string(kMethods[method])},
                        {"route", name},
                        {"status_code", std::to_string(status + kFirstStatus)}};
        metric.counter.value = static_cast<double>(count);
      }
    }
  }
  return family;
}

prometheus::MetricFamily Metrics::Durations() const {
  prometheus::MetricFamily family{"agentidp_http_request_duration_seconds",
                                  "From the complete request to the answer, by route.",
                                  prometheus::MetricType::Histogram,
                                  {}};
  for (const auto& [name, route] : routes_) {
    prometheus::ClientMetric metric;
    metric.label = {{"route", name}};
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < kBuckets.size(); ++i) {
      count += route->durations[i].load(kRelaxed);
      metric.histogram.bucket.push_back({count, kBuckets[i]});
    }
    count += route->durations.back().load(kRelaxed);
    if (count == 0) continue;
    metric.histogram.bucket.push_back({count, std::numeric_limits<double>::infinity()});
    metric.histogram.sample_count = count;
    metric.histogram.sample_sum = static_cast<double>(route->microseconds.load(kRelaxed)) / 1e6;
    family.metric.push_back(std::move(metric));
  }
  return family;
}

std::string Metrics::Text() const {
  std::vector<prometheus::MetricFamily> families{Requests(), Durations()};
  for (const Gauge& gauge : gauges_) {
    const std::optional<double> value = gauge.value();
    if (!value) continue;
    if (families.back().name != gauge.name) {
      families.push_back(
          {gauge.name,
           gauge.help,
           gauge.counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge,
           {}});
    }
    AddTo(families.back(), {gauge.labels, *value});
  }
  for (const GaugeFamily& family : families_) {
    families.push_back({family.name, family.help, prometheus::MetricType::Gauge, {}});
    for (const Sample& sample : family.samples()) AddTo(families.back(), sample);
  }
  std::erase_if(families, [](const auto& family) { return family.metric.empty(); });
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace bulla::service
