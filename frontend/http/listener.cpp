#include "http/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace bulla::http {
namespace {

constexpr int kBacklog = 1024;
constexpr std::string_view kUnixPrefix = "unix:";

[[noreturn]] void Refuse(const std::string& address, const std::string& why) {
  throw std::runtime_error("cannot listen on \"" + address + "\": " + why);
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

struct SocketName {
  sockaddr_storage storage{};
  socklen_t size = 0;
  std::string unix_path;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

std::optional<std::uint16_t> ParsePort(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return port;
}

SocketName ParseUnixName(const std::string& address) {
  SocketName name;
  auto& local = reinterpret_cast<sockaddr_un&>(name.storage);
  name.unix_path = address.substr(kUnixPrefix.size());
  if (name.unix_path.empty() || name.unix_path.size() >= sizeof local.sun_path) {
    Refuse(address, "the path of a unix socket has 1 to 107 bytes");
  }
  local.sun_family = AF_UNIX;
  std::memcpy(local.sun_path, name.unix_path.c_str(), name.unix_path.size() + 1);
  name.size = sizeof local;
  return name;
}

SocketName ParseIpName(const std::string& address) {
  SocketName name;
  auto& ipv4 = reinterpret_cast<sockaddr_in&>(name.storage);
  auto& ipv6 = reinterpret_cast<sockaddr_in6&>(name.storage);
  const std::size_t colon = address.rfind(':');
  const std::optional<std::uint16_t> port =
      colon == std::string::npos ? std::nullopt : ParsePort(address.substr(colon + 1));
  const std::string host = address.substr(0, colon);
  if (port && host.starts_with('[') && host.ends_with(']') &&
      inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &ipv6.sin6_addr) == 1) {
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(*port);
    name.size = sizeof ipv6;
  } else if (port && inet_pton(AF_INET, host.c_str(), &ipv4.sin_addr) == 1) {
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(*port);
    name.size = sizeof ipv4;
  } else {
    Refuse(address, "an address is 127.0.0.1:8080, [::1]:8080 or unix:/path");
  }
  return name;
}

SocketName ParseName(const std::string& address) {
  return address.starts_with(kUnixPrefix) ? ParseUnixName(address) : ParseIpName(address);
}

}  // namespace

void CheckAddress(const std::string& address) { ParseName(address); }

Listener::Listener(const std::string& address) : address_(address) {
  SocketName name = ParseName(address);
  const int family = name.storage.ss_family;
  if (family == AF_UNIX && IsDeadSocket(reinterpret_cast<const sockaddr_un&>(name.storage))) {
    unlink(name.unix_path.c_str());
  }
  fd_ = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) {
    Refuse(address, std::strerror(errno));
  }
  const int on = 1;
  if (family != AF_UNIX) {
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  }
  if (family == AF_INET6) {
    setsockopt(fd_, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (bind(fd_, name.get(), name.size) != 0 || listen(fd_, kBacklog) != 0) {
    const int error = errno;
    close(fd_);
    Refuse(address, std::strerror(error));
  }
  unix_path_ = name.unix_path;  // from now on ours to remove
  if (family != AF_UNIX && getsockname(fd_, name.get(), &name.size) == 0) {
    // The port is in the same place for both families.
    const std::uint16_t port = ntohs(reinterpret_cast<const sockaddr_in&>(name.storage).sin_port);
    address_ = address.substr(0, address.rfind(':') + 1) + std::to_string(port);
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
