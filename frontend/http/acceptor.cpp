#include "http/acceptor.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

namespace bulla::http {
namespace {

constexpr int kAcceptedAtOnce = 64;
constexpr std::chrono::milliseconds kPause{100};

}  // namespace

Acceptor::Acceptor(std::shared_ptr<ServerState> state, std::vector<Listener> listeners,
                   std::shared_ptr<SSL_CTX> tls, std::vector<IoLoop*> loops)
    : state_(std::move(state)),
      listeners_(std::move(listeners)),
      tls_(std::move(tls)),
      loops_(std::move(loops)),
      stop_(eventfd(0, EFD_CLOEXEC)) {
  if (stop_ < 0) {
    throw std::runtime_error("no more file descriptors");
  }
  thread_ = std::thread([this] { Run(); });
}

void Acceptor::Stop() {
  if (!thread_.joinable()) {
    return;
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(stop_, &one, sizeof one);
  thread_.join();
  close(stop_);
  for (Incoming& incoming : handshakes_) {
    close(incoming.fd);
  }
  handshakes_.clear();
  state_->handshakes = 0;
  listeners_.clear();
}

void Acceptor::set_tls(std::shared_ptr<SSL_CTX> tls) {
  const std::lock_guard lock(tls_mutex_);
  tls_ = std::move(tls);
}

void Acceptor::Run() {
  for (;;) {
    const Clock::time_point now = Clock::now();
    const bool full = state_->connections >= state_->options.limits.connections;
    const bool paused = full || now < paused_until_;
    std::vector<pollfd> polled{{stop_, POLLIN, 0}};
    for (const Listener& listener : listeners_) {
      polled.push_back({paused ? -1 : listener.fd(), POLLIN, 0});
    }
    const std::size_t first_handshake = polled.size();
    for (const Incoming& incoming : handshakes_) {
      polled.push_back({incoming.fd, incoming.events, 0});
    }
    const bool wait = !paused && handshakes_.empty();
    if (poll(polled.data(), polled.size(), wait ? -1 : static_cast<int>(kPause.count())) < 0) {
      continue;
    }
    if (polled[0].revents != 0) {
      return;
    }
    try {
      ShakeAll(polled, first_handshake);
      for (std::size_t i = 0; i < listeners_.size(); ++i) {
        if (polled[i + 1].revents != 0) {
          Accept(listeners_[i]);
        }
      }
    } catch (const std::exception&) {  // out of memory
      paused_until_ = Clock::now() + kPause;
    }
    state_->handshakes = handshakes_.size();
  }
}

void Acceptor::ShakeAll(const std::vector<pollfd>& polled, std::size_t first) {
  const Clock::time_point now = Clock::now();
  std::size_t index = first;
  for (auto incoming = handshakes_.begin(); incoming != handshakes_.end(); ++index) {
    bool over = false;
    if (polled[index].revents != 0) {
      over = Shake(*incoming);
    } else if (now > incoming->deadline) {
      close(incoming->fd);
      over = true;
    }
    incoming = over ? handshakes_.erase(incoming) : std::next(incoming);
  }
}

void Acceptor::Accept(const Listener& listener) {
  const Limits& limits = state_->options.limits;
  std::shared_ptr<SSL_CTX> tls;
  {
    const std::lock_guard lock(tls_mutex_);
    tls = tls_;
  }
  for (int i = 0; i < kAcceptedAtOnce && state_->connections < limits.connections; ++i) {
    sockaddr_storage storage{};
    auto* name = reinterpret_cast<sockaddr*>(&storage);
    socklen_t length = sizeof storage;
    const int fd = accept4(listener.fd(), name, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == ECONNABORTED || errno == EINTR) {
        continue;
      }
      if (errno != EAGAIN) {  // no descriptor or no memory left: it would fail again at once
        paused_until_ = Clock::now() + kPause;
      }
      return;
    }
    ++state_->accepted;
    const std::string address = AddressText(name);
    const bool counted = !address.empty() && !state_->trusted_proxies.Contains(address);
    if (counted && !state_->per_address.Add(address, limits.connections_per_address)) {
      ++state_->refused;
      close(fd);
      continue;
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Incoming incoming{fd,
                      address,
                      Admission(state_, counted ? address : ""),
                      nullptr,
                      Clock::now() + limits.tls_handshake,
                      POLLIN};
    if (!tls) {
      HandOver(incoming);
      continue;
    }
    incoming.ssl.reset(SSL_new(tls.get()));
    if (!incoming.ssl || SSL_set_fd(incoming.ssl.get(), fd) != 1) {
      close(fd);
      continue;
    }
    SSL_set_accept_state(incoming.ssl.get());
    if (handshakes_.size() >= kMaxHandshakes) {
      ++state_->refused;
      close(handshakes_.front().fd);
      handshakes_.pop_front();
    }
    handshakes_.push_back(std::move(incoming));  // the client's first words are still to come
  }
}

bool Acceptor::Shake(Incoming& incoming) {
  ERR_clear_error();
  const int result = SSL_do_handshake(incoming.ssl.get());
  if (result == 1) {
    HandOver(incoming);
    return true;
  }
  switch (SSL_get_error(incoming.ssl.get(), result)) {
    case SSL_ERROR_WANT_READ:
      incoming.events = POLLIN;
      return false;
    case SSL_ERROR_WANT_WRITE:
      incoming.events = POLLOUT;
      return false;
    default:
      close(incoming.fd);
      return true;
  }
}

void Acceptor::HandOver(Incoming& incoming) {
  IoLoop* loop = loops_[next_loop_++ % loops_.size()];
  auto arrival = std::make_shared<Incoming>(std::move(incoming));
  loop->mailbox()->Post([loop, arrival] {
    loop->Adopt(arrival->fd, std::move(arrival->ssl), std::move(arrival->address),
                std::move(arrival->admission));
  });
}

}  // namespace bulla::http
