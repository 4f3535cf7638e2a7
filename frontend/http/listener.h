// Sockets that listen.
#pragma once

#include <string>

namespace bulla::http {

// Throws std::runtime_error, as Listener does, where a text is no address to listen on; does not listen.
void CheckAddress(const std::string& address);

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
