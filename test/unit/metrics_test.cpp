#include "service/metrics.h"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace bulla::service {
namespace {

using namespace std::chrono_literals;

http::Answered Request(std::string_view method, std::string_view route, int status,
                       std::chrono::microseconds duration = 700us) {
  http::Answered answered;
  answered.method = method;
  answered.route = route;
  answered.status = status;
  answered.duration = duration;
  return answered;
}

class MetricsTest : public ::testing::Test {
 protected:
  bool Has(const std::string& line) const {
    return ("\n" + metrics_.Text()).find("\n" + line + "\n") != std::string::npos;
  }
  Metrics metrics_{{"/health", "/v1/audit/{eventId}"}};
};

TEST_F(MetricsTest, CountsByMethodRouteAndStatus) {
  metrics_.Count(Request("GET", "/health", 200));
  metrics_.Count(Request("GET", "/health", 200));
  metrics_.Count(Request("POST", "/health", 405));
  metrics_.Count(Request("GET", "/v1/audit/{eventId}", 404));
  EXPECT_TRUE(
      Has(R"(agentidp_http_requests_total{method="GET",route="/health",status_code="200"} 2)"));
  EXPECT_TRUE(
      Has(R"(agentidp_http_requests_total{method="POST",route="/health",status_code="405"} 1)"));
  EXPECT_TRUE(Has(
      R"(agentidp_http_requests_total{method="GET",route="/v1/audit/{eventId}",status_code="404"} 1)"));
}

TEST_F(MetricsTest, AClientCannotMakeUpLabels) {
  metrics_.Count(Request("BREW", "/etc/passwd", 404));
  metrics_.Count(Request("", "malformed", 400));
  metrics_.Count(Request("other", "unmatched", 404));
  EXPECT_TRUE(
      Has(R"(agentidp_http_requests_total{method="other",route="unmatched",status_code="404"} 2)"));
  EXPECT_TRUE(
      Has(R"(agentidp_http_requests_total{method="other",route="malformed",status_code="400"} 1)"));
  EXPECT_EQ(metrics_.Text().find("BREW"), std::string::npos);
  EXPECT_EQ(metrics_.Text().find("passwd"), std::string::npos);
}

TEST_F(MetricsTest, AClientThatWentBeforeTheAnswerIs499) {
  metrics_.Count(Request("GET", "/health", 0));
  EXPECT_TRUE(
      Has(R"(agentidp_http_requests_total{method="GET",route="/health",status_code="499"} 1)"));
}

TEST_F(MetricsTest, DurationsFallIntoBuckets) {
  metrics_.Count(Request("GET", "/health", 200, 500us));
  metrics_.Count(Request("GET", "/health", 200, 501us));
  metrics_.Count(Request("GET", "/health", 200, 11s));
  const std::string name = "agentidp_http_request_duration_seconds";
  EXPECT_TRUE(Has(name + R"(_bucket{route="/health",le="0.0005"} 1)"));
  EXPECT_TRUE(Has(name + R"(_bucket{route="/health",le="0.001"} 2)"));
  EXPECT_TRUE(Has(name + R"(_bucket{route="/health",le="10"} 2)"));
  EXPECT_TRUE(Has(name + R"(_bucket{route="/health",le="+Inf"} 3)"));
  EXPECT_TRUE(Has(name + R"(_count{route="/health"} 3)"));
  EXPECT_TRUE(Has(name + R"(_sum{route="/health"} 11.001001)"));
}

TEST_F(MetricsTest, WhatWasNotSeenIsNotShown) {
  metrics_.Add({"bulla_a", "A.", {}, [] { return std::nullopt; }});
  EXPECT_EQ(metrics_.Text(), "");
}

TEST_F(MetricsTest, GaugesOfOneNameStandTogether) {
  metrics_.Add({"bulla_a", "A.", {{"pool", "x"}}, [] { return 1.0; }});
  metrics_.Add({"bulla_b_total", "B.", {}, [] { return 2.0; }, true});
  metrics_.Add({"bulla_a", "A.", {{"pool", "y"}}, [] { return 3.0; }});
  EXPECT_EQ(metrics_.Text(),
            "# HELP bulla_a A.\n# TYPE bulla_a gauge\n"
            "bulla_a{pool=\"x\"} 1\nbulla_a{pool=\"y\"} 3\n"
            "# HELP bulla_b_total B.\n# TYPE bulla_b_total counter\nbulla_b_total 2\n");
}

TEST_F(MetricsTest, SamplesOfAFamilyComeAndGo) {
  std::vector<Sample> samples;
  metrics_.Add(GaugeFamily{"bulla_c", "C.", [&] { return samples; }});
  EXPECT_EQ(metrics_.Text(), "");
  samples = {{{{"key", "a"}, {"version", "1"}}, 4294967296.0}, {{{"key", "b"}}, 0}};
  EXPECT_EQ(metrics_.Text(),
            "# HELP bulla_c C.\n# TYPE bulla_c gauge\n"
            "bulla_c{key=\"a\",version=\"1\"} 4294967296\nbulla_c{key=\"b\"} 0\n");
  samples.pop_back();
  EXPECT_TRUE(Has(R"(bulla_c{key="a",version="1"} 4294967296)"));
  EXPECT_EQ(metrics_.Text().find("\"b\""), std::string::npos);
}

TEST_F(MetricsTest, NoLabelCanPassForMore) {
  metrics_.Add(GaugeFamily{"bulla_c", "C.", [] {
                             return std::vector<Sample>{{{{"key", "a\"} 1\nb\\"}}, 2}};
                           }});
  EXPECT_TRUE(Has(R"(bulla_c{key="a\"} 1\nb\\"} 2)"));
}

TEST_F(MetricsTest, NoRequestIsLostBetweenThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int n = 0; n < 10'000; ++n) metrics_.Count(Request("GET", "/health", 200));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(
      Has(R"(agentidp_http_requests_total{method="GET",route="/health",status_code="200"} 40000)"));
}

}  // namespace
}  // namespace bulla::service
