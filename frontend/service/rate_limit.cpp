#include "service/rate_limit.h"

#include <algorithm>

namespace bulla::service {

std::chrono::milliseconds RateLimit::Take(const std::string& client, Time now) {
  using Minutes = std::chrono::duration<double, std::ratio<60>>;
  const std::lock_guard lock(mutex_);
  if (const auto found = by_client_.find(client); found != by_client_.end()) {
    buckets_.splice(buckets_.begin(), buckets_, found->second);
  } else {
    buckets_.push_front({client, calls_per_minute_, now});
    by_client_[client] = buckets_.begin();
    if (buckets_.size() > most_clients_) {
      by_client_.erase(buckets_.back().client);
      buckets_.pop_back();
    }
  }
  Bucket& bucket = buckets_.front();
  bucket.calls = std::min(calls_per_minute_,
                          bucket.calls + calls_per_minute_ * Minutes(now - bucket.filled).count());
  bucket.filled = now;
  if (bucket.calls >= 1) {
    bucket.calls -= 1;
    return std::chrono::milliseconds(0);
  }
  return std::chrono::ceil<std::chrono::milliseconds>(
      Minutes((1 - bucket.calls) / calls_per_minute_));
}

}  // namespace bulla::service
