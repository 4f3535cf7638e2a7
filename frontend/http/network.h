// Addresses: what to listen on, and who may speak for others.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace bulla::http {

// An IP address as text, without port and scope; an IPv4 address inside IPv6 as IPv4. Empty for any other
// family.
std::string AddressText(const sockaddr* address);

// A set of networks, such as "10.0.0.0/8", "2001:db8::/32" or a single address.
class Networks {
 public:
  // Throws std::runtime_error with one plain sentence where one is no network.
  explicit Networks(const std::vector<std::string>& networks);

  // What is no IP address is in no network.
  bool Contains(std::string_view address) const;
  bool empty() const { return networks_.empty(); }

 private:
  struct Network {
    std::array<std::uint8_t, 16> bits;  // IPv4 as ::ffff:a.b.c.d
    int prefix;
  };
  std::vector<Network> networks_;
};

// The client behind the proxies that are trusted: from the right of X-Forwarded-For, the first address
// that is not a trusted proxy's. `peer` itself where it is not one; the last trusted address where what
// is left of it is no address.
std::string ClientBehind(const Networks& trusted, const std::string& peer, const Fields& fields);

// A listening socket, closed at the end of its life; a unix socket's path is removed then.
class Listener {
 public:
  // "127.0.0.1:8080", "[::1]:8080" or "unix:PATH". Throws std::runtime_error where it cannot listen. A
  // unix socket that nobody listens on any more is replaced.
  explicit Listener(const std::string& address);
  ~Listener();
  Listener(Listener&& other) noexcept;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  int fd() const { return fd_; }
  const std::string& address() const { return address_; }  // with the port that was taken

 private:
  int fd_ = -1;
  std::string address_;
  std::string unix_path_;
};

}  // namespace bulla::http
