// Addresses of clients, and whose word on them is believed.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
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

}  // namespace bulla::http
