#include "service/rate_limit.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

namespace bulla::service {
namespace {

using namespace std::chrono_literals;

class RateLimitTest : public ::testing::Test {
 protected:
  RateLimit::Time now_{1000s};
};

TEST_F(RateLimitTest, AllowsAMinutesCallsAtOnceAndThenOneAsTheyComeBack) {
  RateLimit limit(30, 10);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(limit.Take("a", now_), 0ms) << i;
  EXPECT_EQ(limit.Take("a", now_), 2000ms);
  EXPECT_EQ(limit.Take("a", now_ + 1500ms), 500ms);
  EXPECT_EQ(limit.Take("a", now_ + 2000ms), 0ms);
  EXPECT_EQ(limit.Take("a", now_ + 2000ms), 2000ms);
}

TEST_F(RateLimitTest, ARefusedCallCostsNothing) {
  RateLimit limit(1, 10);
  EXPECT_EQ(limit.Take("a", now_), 0ms);
  for (int i = 1; i < 60; ++i) EXPECT_GT(limit.Take("a", now_ + i * 1s), 0ms) << i;
  EXPECT_EQ(limit.Take("a", now_ + 60s), 0ms);
}

TEST_F(RateLimitTest, DoesNotSaveUpMoreThanAMinute) {
  RateLimit limit(3, 10);
  limit.Take("a", now_);
  now_ += 1h;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limit.Take("a", now_), 0ms);
  EXPECT_GT(limit.Take("a", now_), 0ms);
}

TEST_F(RateLimitTest, ClientsDoNotShare) {
  RateLimit limit(1, 10);
  EXPECT_EQ(limit.Take("a", now_), 0ms);
  EXPECT_EQ(limit.Take("b", now_), 0ms);
  EXPECT_GT(limit.Take("a", now_), 0ms);
}

TEST_F(RateLimitTest, ForgetsWhoAskedLongestAgo) {
  RateLimit limit(1, 3);
  for (const char* client : {"a", "b", "c"}) EXPECT_EQ(limit.Take(client, now_), 0ms);
  EXPECT_GT(limit.Take("a", now_), 0ms);  // asked again, so b is the oldest
  EXPECT_EQ(limit.Take("d", now_), 0ms);  // b is forgotten
  EXPECT_GT(limit.Take("a", now_), 0ms);
  EXPECT_EQ(limit.Take("b", now_), 0ms);
}

}  // namespace
}  // namespace bulla::service
