// The HTTP/1.1 server: listeners, I/O threads, connections.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/exchange.h"
#include "http/limits.h"
#include "http/tls.h"

namespace bulla::http {

// What became of one request, for log and metrics. Views are valid during the call only.
struct Answered {
  std::string_view request_id;
  std::string_view client;
  std::string_view method;                // empty where the request could not be read
  std::string_view path;                  // as sent, without the query
  std::string_view route;                 // the pattern, "unmatched", or "malformed"
  int status = 0;                         // 0: the client went before the answer
  std::size_t request_bytes = 0;          // of the body
  std::size_t response_bytes = 0;         // of the body
  std::chrono::microseconds duration{0};  // from the complete request to the answer
};

struct ServerOptions {
  // "127.0.0.1:8080", "[::1]:8080", "unix:/run/bullad/api.sock". Port 0 takes a free one.
  std::vector<std::string> listen;
  int io_threads = 2;
  Limits limits;
  bool tls = false;
  TlsFiles tls_files;
  // Networks ("10.0.0.0/8", "::1/128", one address) whose X-Forwarded-For and X-Request-Id are believed.
  std::vector<std::string> trusted_proxies;
  Handler handler;                                   // runs in I/O threads: must not block
  std::function<void(const Answered&)> on_answered;  // likewise; may be empty
};

struct ServerCounts {
  std::size_t connections = 0;
  std::size_t in_flight = 0;  // requests that are being worked on
  std::size_t held_bytes = 0;
  std::size_t handshakes = 0;  // TLS handshakes under way
  std::size_t accepted = 0;    // since start
  std::size_t refused = 0;     // connections closed because of a cap, since start
};

// The process must ignore SIGPIPE: OpenSSL writes to sockets whose clients may have gone.
class Server {
 public:
  // Listens and serves. Throws std::runtime_error with one plain sentence where it cannot: an address
  // that is taken or not an address, a certificate that cannot be read.
  explicit Server(ServerOptions options);
  ~Server();  // Drain(0) where it was not called
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The addresses listened on, with the ports that were taken.
  std::vector<std::string> addresses() const;

  // Reads the TLS files again, for connections from now on. Throws as the constructor does, and then
  // goes on with what it has.
  void ReloadTls();

  ServerCounts counts() const;

  // Stops accepting, closes idle connections, lets requests that are under way be answered, each with
  // Connection: close, and returns when all is done or the time is over: whether nothing was cut off.
  // What drops later is dropped. Call from a thread that is none of the server's.
  bool Drain(std::chrono::milliseconds grace);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bulla::http
