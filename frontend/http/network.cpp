#include "http/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <stdexcept>

namespace bulla::http {
namespace {

using AddressBits = std::array<std::uint8_t, 16>;

constexpr AddressBits kMappedIpv4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0};

std::optional<int> ParseNumber(std::string_view text, int max) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || number < 0 ||
      number > max) {
    return std::nullopt;
  }
  return number;
}

// IPv4 as IPv4 inside IPv6, so that there is one kind.
std::optional<AddressBits> ParseAddress(std::string_view text) {
  const std::string copy(text);
  AddressBits bits = kMappedIpv4;
  if (inet_pton(AF_INET, copy.c_str(), bits.data() + 12) == 1 ||
      inet_pton(AF_INET6, copy.c_str(), bits.data()) == 1) {
    return bits;
  }
  return std::nullopt;
}

bool SameUpTo(const AddressBits& a, const AddressBits& b, int prefix) {
  for (std::size_t i = 0; prefix > 0; ++i, prefix -= 8) {
    const int mask = prefix >= 8 ? 0xFF : 0xFF << (8 - prefix) & 0xFF;
    if (((a[i] ^ b[i]) & mask) != 0) {
      return false;
    }
  }
  return true;
}

std::string AddressText(const AddressBits& bits) {
  char text[INET6_ADDRSTRLEN] = "";
  const bool ipv4 = std::equal(kMappedIpv4.begin(), kMappedIpv4.begin() + 12, bits.begin());
  inet_ntop(ipv4 ? AF_INET : AF_INET6, bits.data() + (ipv4 ? 12 : 0), text, sizeof text);
  return text;
}

}  // namespace

std::string AddressText(const sockaddr* address) {
  AddressBits bits = kMappedIpv4;
  if (address->sa_family == AF_INET) {
    std::memcpy(bits.data() + 12, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, 4);
  } else if (address->sa_family == AF_INET6) {
    std::memcpy(bits.data(), &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, 16);
  } else {
    return "";
  }
  return AddressText(bits);
}

Networks::Networks(const std::vector<std::string>& networks) {
  for (const std::string& text : networks) {
    const std::size_t slash = std::min(text.find('/'), text.size());
    const std::string_view address = std::string_view(text).substr(0, slash);
    const std::optional<AddressBits> bits = ParseAddress(address);
    const int width = address.find(':') == std::string_view::npos ? 32 : 128;
    const std::optional<int> prefix =
        slash == text.size() ? width : ParseNumber(std::string_view(text).substr(slash + 1), width);
    if (!bits || !prefix) {
      throw std::runtime_error("\"" + text +
                               "\" is not a network: 10.0.0.0/8, 2001:db8::/32 or one address");
    }
    networks_.push_back({*bits, *prefix + 128 - width});
  }
}

bool Networks::Contains(std::string_view address) const {
  if (networks_.empty()) {
    return false;
  }
  const std::optional<AddressBits> bits = ParseAddress(address);
  return bits && std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
           return SameUpTo(*bits, network.bits, network.prefix);
         });
}

std::string ClientBehind(const Networks& trusted, const std::string& peer, const Fields& fields) {
  if (!trusted.Contains(peer)) {
    return peer;
  }
  std::string forwarded;  // repeated fields are one list (RFC 9110, 5.2)
  for (const auto& [name, value] : fields) {
    if (name == "x-forwarded-for") {
      forwarded += (forwarded.empty() ? "" : ",") + value;
    }
  }
  std::string client = peer;
  std::string_view rest = forwarded;
  while (!rest.empty()) {
    const std::size_t comma = rest.rfind(',');
    std::string_view hop = comma == std::string_view::npos ? rest : rest.substr(comma + 1);
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(0, comma);
    hop.remove_prefix(std::min(hop.find_first_not_of(" \t"), hop.size()));
    hop = hop.substr(0, hop.find_last_not_of(" \t") + 1);
    const std::optional<AddressBits> bits = ParseAddress(hop);
    if (!bits) {
      break;
    }
    client = AddressText(*bits);
    if (!trusted.Contains(client)) {
      break;
    }
  }
  return client;
}

}  // namespace bulla::http
