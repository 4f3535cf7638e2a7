#include "http/server.h"

#include <pistache/reactor.h>

#include <stdexcept>
#include <thread>

#include "http/acceptor.h"
#include "http/io_loop.h"
#include "http/server_state.h"

namespace bulla::http {

class Server::Impl {
 public:
  explicit Impl(ServerOptions options) : state_(std::make_shared<ServerState>(std::move(options))) {
    const ServerOptions& given = state_->options;
    std::shared_ptr<SSL_CTX> tls = given.tls ? MakeTlsContext(given.tls_files) : nullptr;
    std::vector<Listener> listeners;
    for (const std::string& address : given.listen) {
      listeners.emplace_back(address);
      addresses_.push_back(listeners.back().address());
    }
    reactor_ = Pistache::Aio::Reactor::create();
    reactor_->init(Pistache::Aio::AsyncContext(static_cast<std::size_t>(given.io_threads), "io"));
    const auto key = reactor_->addHandler(std::make_shared<IoLoop>(state_));
    handlers_ = reactor_->handlers(key);
    std::vector<IoLoop*> loops;
    for (const auto& handler : handlers_) {
      loops.push_back(static_cast<IoLoop*>(handler.get()));
    }
    reactor_->run();
    acceptor_ = std::make_unique<Acceptor>(state_, std::move(listeners), std::move(tls), loops);
    loops_ = std::move(loops);
  }

  ~Impl() { Drain(std::chrono::milliseconds(0)); }

  const std::vector<std::string>& addresses() const { return addresses_; }
  const ServerState& state() const { return *state_; }

  void ReloadTls() {
    if (state_->options.tls) {
      acceptor_->set_tls(MakeTlsContext(state_->options.tls_files));
    }
  }

  bool Drain(std::chrono::milliseconds grace) {
    if (drained_) {
      return true;
    }
    drained_ = true;
    acceptor_->Stop();
    state_->draining = true;
    const Clock::time_point end = Clock::now() + grace;
    while (state_->connections > 0 && Clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    const bool complete = state_->connections == 0;
    for (IoLoop* loop : loops_) {
      loop->mailbox()->Post([loop] { loop->DropAll(); });
    }
    while (state_->connections > 0 && Clock::now() < end + kLastDrop) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    reactor_->shutdown();
    reactor_.reset();  // joins its threads
    return complete;
  }

 private:
  static constexpr std::chrono::seconds kLastDrop{2};

  std::shared_ptr<ServerState> state_;
  std::vector<std::string> addresses_;
  std::shared_ptr<Pistache::Aio::Reactor> reactor_;
  std::vector<std::shared_ptr<Pistache::Aio::Handler>> handlers_;
  std::vector<IoLoop*> loops_;
  std::unique_ptr<Acceptor> acceptor_;
  bool drained_ = false;
};

Server::Server(ServerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Server::~Server() = default;

std::vector<std::string> Server::addresses() const { return impl_->addresses(); }
void Server::ReloadTls() { impl_->ReloadTls(); }
bool Server::Drain(std::chrono::milliseconds grace) { return impl_->Drain(grace); }

ServerCounts Server::counts() const {
  const ServerState& state = impl_->state();
  return {.connections = state.connections,
          .in_flight = state.in_flight,
          .held_bytes = state.held_bytes,
          .handshakes = state.handshakes,
          .accepted = state.accepted,
          .refused = state.refused};
}

}  // namespace bulla::http
