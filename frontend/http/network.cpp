#include "http/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace bulla::http {
namespace {

using AddressBits = std::array<std::uint8_t, 16>;

constexpr AddressBits kMappedIpv4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0};
constexpr int kBacklog = 1024;

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

[[noreturn]] void Refuse(const std::string& address, const std::string& why) {
  throw std::runtime_error("cannot listen on \"" + address + "\": " + why);
}

int OpenSocket(const std::string& address, int family) {
  const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    Refuse(address, std::strerror(errno));
  }
  return fd;
}

// Whether the path is a socket that nobody listens on: what a killed process leaves behind.
bool IsDeadSocket(const sockaddr_un& name) {
  struct stat status;
  if (lstat(name.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) {
    return false;
  }
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool dead = connect(probe, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 &&
                    errno == ECONNREFUSED;
  close(probe);
  return dead;
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

Listener::Listener(const std::string& address) : address_(address) {
  sockaddr_storage storage{};
  socklen_t length = 0;
  auto* name = reinterpret_cast<sockaddr*>(&storage);
  const std::size_t colon = address.rfind(':');
  if (address.starts_with("unix:")) {
    auto& local = reinterpret_cast<sockaddr_un&>(storage);
    const std::string path = address.substr(5);
    if (path.empty() || path.size() >= sizeof local.sun_path) {
      Refuse(address, "the path of a unix socket has 1 to 107 bytes");
    }
    local.sun_family = AF_UNIX;
    std::memcpy(local.sun_path, path.c_str(), path.size() + 1);
    length = sizeof local;
    if (IsDeadSocket(local)) {
      unlink(path.c_str());
    }
    unix_path_ = path;
  } else {
    std::string_view host = std::string_view(address).substr(0, std::min(colon, address.size()));
    const std::string_view digits =
        std::string_view(address).substr(std::min(colon, address.size() - 1) + 1);
    const std::optional<int> port = ParseNumber(digits, 65535);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) {
      host = host.substr(1, host.size() - 2);
    }
    auto& ipv4 = reinterpret_cast<sockaddr_in&>(storage);
    auto& ipv6 = reinterpret_cast<sockaddr_in6&>(storage);
    if (port && !bracketed && inet_pton(AF_INET, std::string(host).c_str(), &ipv4.sin_addr) == 1) {
      ipv4.sin_family = AF_INET;
      ipv4.sin_port = htons(static_cast<std::uint16_t>(port.value()));
      length = sizeof ipv4;
    } else if (port && bracketed &&
               inet_pton(AF_INET6, std::string(host).c_str(), &ipv6.sin6_addr) == 1) {
      ipv6.sin6_family = AF_INET6;
      ipv6.sin6_port = htons(static_cast<std::uint16_t>(port.value()));
      length = sizeof ipv6;
    } else {
      Refuse(address, "an address is 127.0.0.1:8080, [::1]:8080 or unix:/path");
    }
  }

  fd_ = OpenSocket(address, storage.ss_family);
  const int on = 1;
  if (storage.ss_family != AF_UNIX) {
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  }
  if (storage.ss_family == AF_INET6) {
    setsockopt(fd_, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (bind(fd_, name, length) != 0 || listen(fd_, kBacklog) != 0) {
    const int error = errno;
    unix_path_.clear();  // not ours
    close(fd_);
    Refuse(address, std::strerror(error));
  }
  length = sizeof storage;
  if (unix_path_.empty() && getsockname(fd_, name, &length) == 0) {
    const std::uint16_t port =
        ntohs(storage.ss_family == AF_INET ? reinterpret_cast<sockaddr_in&>(storage).sin_port
                                           : reinterpret_cast<sockaddr_in6&>(storage).sin6_port);
    address_ = address.substr(0, colon + 1) + std::to_string(port);
  }
}

Listener::Listener(Listener&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      address_(std::move(other.address_)),
      unix_path_(std::exchange(other.unix_path_, {})) {}

Listener::~Listener() {
  if (fd_ >= 0) {
    close(fd_);
    if (!unix_path_.empty()) {
      unlink(unix_path_.c_str());
    }
  }
}

}  // namespace bulla::http
