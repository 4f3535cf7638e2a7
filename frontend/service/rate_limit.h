// How often a client may ask for something expensive.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <map>
#include <mutex>
#include <string>

namespace bulla::service {

// A token bucket per client: holds a minute's calls at most, and fills evenly. Remembers a bounded
// number of clients; the one that asked longest ago is forgotten first. Safe to use from any thread.
class RateLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;

  RateLimit(int calls_per_minute, std::size_t most_clients)
      : calls_per_minute_(calls_per_minute), most_clients_(most_clients) {}

  // Takes one call. Zero where it may be made now, else how long until the next one may; then nothing
  // is taken.
  std::chrono::milliseconds Take(const std::string& client, Time now);

 private:
  struct Bucket {
    std::string client;
    double calls;  // left
    Time filled;   // as of when
  };

  const double calls_per_minute_;
  const std::size_t most_clients_;
  std::mutex mutex_;
  std::list<Bucket> buckets_;  // who asked last comes first
  std::map<std::string, std::list<Bucket>::iterator> by_client_;
};

}  // namespace bulla::service
