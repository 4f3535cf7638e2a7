// What the acceptor, the I/O loops and the connections of one server share.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>

#include "http/network.h"
#include "http/server.h"

namespace bulla::http {

// How many connections each address has.
class AddressCounts {
 public:
  // Counts one more, unless the address has `limit` already.
  bool Add(const std::string& address, std::size_t limit) {
    const std::lock_guard lock(mutex_);
    std::size_t& count = counts_[address];
    if (count >= limit) {
      return false;
    }
    ++count;
    return true;
  }

  void Remove(const std::string& address) {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(address);
    if (found != counts_.end() && --found->second == 0) {
      counts_.erase(found);
    }
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::size_t> counts_;
};

struct ServerState {
  explicit ServerState(ServerOptions given)
      : options(std::move(given)), trusted_proxies(options.trusted_proxies) {}

  const ServerOptions options;
  const Networks trusted_proxies;

  std::atomic<bool> draining{false};
  std::atomic<std::size_t> connections{0};  // accepted and not closed, handshakes included
  std::atomic<std::size_t> in_flight{0};
  std::atomic<std::size_t> held_bytes{0};
  std::atomic<std::size_t> handshakes{0};
  std::atomic<std::size_t> accepted{0};
  std::atomic<std::size_t> refused{0};
  AddressCounts per_address;
};

// One accepted connection's place among the connections, given back at the end of its life.
class Admission {
 public:
  // `address` is counted only where it is not empty.
  Admission(std::shared_ptr<ServerState> state, std::string address)
      : state_(std::move(state)), address_(std::move(address)) {
    ++state_->connections;
  }
  ~Admission() {
    if (state_) {
      --state_->connections;
      if (!address_.empty()) {
        state_->per_address.Remove(address_);
      }
    }
  }
  Admission(Admission&& other) noexcept = default;  // leaves `other` without a state
  Admission& operator=(Admission&&) = delete;

 private:
  std::shared_ptr<ServerState> state_;
  std::string address_;
};

}  // namespace bulla::http
