// What is counted, and its text for Prometheus.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/server.h"

namespace prometheus {
struct MetricFamily;
}

namespace bulla::service {

// Values that others keep; asked for when somebody looks.
struct Gauge {
  std::string name;
  std::string help;
  std::vector<std::pair<std::string, std::string>> labels;
  std::function<std::optional<double>()> value;  // nothing: not shown
  bool counter = false;                          // only ever grows
};

// One of several values of one name, told apart by their labels.
struct Sample {
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
};

// Values that come and go, with whatever labels; asked for when somebody looks.
struct GaugeFamily {
  std::string name;
  std::string help;
  std::function<std::vector<Sample>()> samples;
};

// Counting a request takes no lock: routes, methods and statuses are known beforehand, so each has a
// counter of its own from the start. What a client can make up is counted as "other" or "unmatched".
class Metrics {
 public:
  // The routes that can occur, besides "unmatched" and "malformed".
  explicit Metrics(const std::vector<std::string>& routes);
  ~Metrics();

  void Count(const http::Answered& answered);

  // Before the first Text(). Gauges of one name stand together in the text.
  void Add(Gauge gauge);
  void Add(GaugeFamily family) { families_.push_back(std::move(family)); }

  // The text exposition format. Waits for nothing.
  std::string Text() const;

 private:
  struct Route;
  prometheus::MetricFamily Requests() const;
  prometheus::MetricFamily Durations() const;

  std::map<std::string, std::unique_ptr<Route>, std::less<>> routes_;
  std::vector<Gauge> gauges_;
  std::vector<GaugeFamily> families_;
};

}  // namespace bulla::service
