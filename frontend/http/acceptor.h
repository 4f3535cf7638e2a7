// Accepts connections, completes their TLS handshakes, and hands them to the I/O loops.
#pragma once

#include <atomic>
#include <poll.h>

#include <list>
#include <memory>
#include <thread>
#include <vector>

#include "http/exchange.h"
#include "http/io_loop.h"
#include "http/listener.h"
#include "http/server_state.h"
#include "http/tls.h"

namespace bulla::http {

// One thread that waits for listeners and handshakes and never for a client. Handshakes go on side by
// side; at most kMaxHandshakes, above which the oldest gives way. Where descriptors are used up, and at
// the cap of connections, it leaves new clients in the kernel's queue for a while.
class Acceptor {
 public:
  static constexpr std::size_t kMaxHandshakes = 512;

  // `tls` may be null: plain TCP. The loops outlive the acceptor.
  Acceptor(std::shared_ptr<ServerState> state, std::vector<Listener> listeners,
           std::shared_ptr<SSL_CTX> tls, std::vector<IoLoop*> loops);
  ~Acceptor() { Stop(); }
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  const std::vector<Listener>& listeners() const { return listeners_; }

  // For connections from now on.
  void set_tls(std::shared_ptr<SSL_CTX> tls);

  // Closes the listeners and ends handshakes that are under way. May be called twice.
  void Stop();

 private:
  struct Incoming {  // a connection that is no loop's yet
    int fd;
    std::string address;
    Admission admission;
    SslPtr ssl;
    Clock::time_point deadline;
    short events;
  };

  void Run();
  void Accept(const Listener& listener);
  // True when the handshake is over, well or not.
  bool Shake(Incoming& incoming);
  void HandOver(Incoming& incoming);
  void ShakeAll(const std::vector<pollfd>& polled, std::size_t first);

  std::shared_ptr<ServerState> state_;
  std::vector<Listener> listeners_;
  std::mutex tls_mutex_;
  std::shared_ptr<SSL_CTX> tls_;
  const std::vector<IoLoop*> loops_;
  std::size_t next_loop_ = 0;
  std::list<Incoming> handshakes_;
  Clock::time_point paused_until_{};
  const int stop_;  // an eventfd
  std::thread thread_;
};

}  // namespace bulla::http
