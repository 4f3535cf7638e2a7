#include "http/io_loop.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <stdexcept>

#include "http/connection.h"

namespace bulla::http {
namespace {

namespace polling = Pistache::Polling;
namespace tcp = Pistache::Tcp;

constexpr long kTickNanoseconds = 250'000'000;

}  // namespace

Mailbox::Mailbox() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (fd_ < 0) {
    throw std::runtime_error("no more file descriptors");
  }
}

Mailbox::~Mailbox() { close(fd_); }

bool Mailbox::Post(Letter letter) {
  if (std::this_thread::get_id() == loop_.load()) {
    Open(letter);
    return true;
  }
  const std::lock_guard lock(mutex_);
  if (closed_) {
    return false;
  }
  letters_.push_back(std::move(letter));
  if (letters_.size() == 1) {
    Wake();
  }
  return true;
}

void Mailbox::Open(const Letter& letter) noexcept {
  try {
    letter();
  } catch (...) {  // out of memory: the connection that it was for ends by its time limit
  }
}

void Mailbox::Wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(fd_, &one, sizeof one);
}

std::vector<Mailbox::Letter> Mailbox::Collect() {
  std::uint64_t count;
  [[maybe_unused]] const ssize_t size = read(fd_, &count, sizeof count);
  const std::lock_guard lock(mutex_);
  return std::exchange(letters_, {});
}

void Mailbox::Close() {
  std::vector<Letter> left;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  left.swap(letters_);
}

// Tells connections what Pistache's transport tells of their peers.
class IoLoop::PeerHandler : public tcp::Handler {
 public:
  void onConnection(const std::shared_ptr<tcp::Peer>&) override {}  // Adopt knows it already

  void onInput(const char* bytes, std::size_t size,
               const std::shared_ptr<tcp::Peer>& peer) override {
    const std::shared_ptr<Connection> connection = Find(*peer);
    if (!connection || !connection->OnInput({bytes, size})) {
      throw LeaveReading();
    }
  }

  void onDisconnection(const std::shared_ptr<tcp::Peer>& peer) override {
    if (const std::shared_ptr<Connection> connection = Find(*peer)) {
      connection->OnGone();
      loop->connections_.erase(peer->fd());
    }
  }

  // Each loop has a handler of its own, which IoLoop's clone makes.
  std::shared_ptr<tcp::Handler> clone() const override {
    throw std::logic_error("a loop's handler is not cloned");
  }

  IoLoop* loop = nullptr;

 private:
  std::shared_ptr<Connection> Find(const tcp::Peer& peer) const {
    const auto found = loop->connections_.find(peer.fd());
    if (found == loop->connections_.end() || found->second->peer().get() != &peer) {
      return nullptr;
    }
    return found->second;
  }
};

IoLoop::IoLoop(std::shared_ptr<ServerState> state)
    : IoLoop(std::move(state), std::make_shared<PeerHandler>()) {}

IoLoop::IoLoop(std::shared_ptr<ServerState> state, std::shared_ptr<PeerHandler> handler)
    : tcp::Transport(handler),
      state_(std::move(state)),
      handler_(std::move(handler)),
      mailbox_(std::make_shared<Mailbox>()) {
  handler_->loop = this;
}

IoLoop::~IoLoop() {
  mailbox_->Close();
  if (timer_ >= 0) {
    close(timer_);
  }
}

std::shared_ptr<Pistache::Aio::Handler> IoLoop::clone() const {
  return std::make_shared<IoLoop>(state_);
}

void IoLoop::registerPoller(polling::Epoll& poller) {
  tcp::Transport::registerPoller(poller);
  timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  const itimerspec period{{0, kTickNanoseconds}, {0, kTickNanoseconds}};
  if (timer_ < 0 || timerfd_settime(timer_, 0, &period, nullptr) != 0) {
    throw std::runtime_error("no timer can be had");
  }
  for (const int fd : {mailbox_->fd(), timer_}) {
    poller.addFd(fd, Pistache::Flags<polling::NotifyOn>(polling::NotifyOn::Read),
                 polling::Tag(static_cast<std::uint64_t>(fd)));
  }
}

void IoLoop::onReady(const Pistache::Aio::FdSet& events) {
  mailbox_->MoveIn(std::this_thread::get_id());
  for (const auto& event : events) {
    Dispatch(event);
  }
  GiveTurns();
}

void IoLoop::Dispatch(const Pistache::Aio::FdSet::Entry& event) {
  const polling::Tag tag = event.getTag();
  const auto fd = static_cast<int>(tag.value());
  if (fd == mailbox_->fd()) {
    for (const Mailbox::Letter& letter : mailbox_->Collect()) {
      Mailbox::Open(letter);
    }
  } else if (fd == timer_) {
    std::uint64_t count;
    [[maybe_unused]] const ssize_t size = read(timer_, &count, sizeof count);
    Tick();
  } else {
    if (event.isReadable()) {
      Read(tag);
    }
    // Also where it was not said: TLS may have waited to read before it could write.
    const auto found = connections_.find(fd);
    if (found != connections_.end() && found->second->is_writing()) {
      const std::shared_ptr<Connection> connection = found->second;
      Guarded(*connection, [&] { connection->OnWritable(); });
    }
  }
}

void IoLoop::Read(polling::Tag tag) {
  const auto found = connections_.find(static_cast<int>(tag.value()));
  const std::shared_ptr<Connection> connection =
      found == connections_.end() ? nullptr : found->second;
  polling::Event event(tag);
  event.flags = Pistache::Flags<polling::NotifyOn>(polling::NotifyOn::Read);
  try {
    tcp::Transport::onReady(Pistache::Aio::FdSet({event}));
  } catch (...) {  // LeaveReading, or an error that Pistache has no answer to
    if (connection) {
      Drop(*connection);
    }
  }
}

template <typename Work>
void IoLoop::Guarded(Connection& connection, Work work) {
  try {
    work();
  } catch (...) {
    Drop(connection);
  }
}

void IoLoop::Adopt(int fd, SslPtr ssl, std::string address, Admission admission) {
  // The transport frees the SSL with the peer, and closes the descriptor when it removes the peer.
  const std::shared_ptr<tcp::Peer> peer =
      ssl ? tcp::Peer::CreateSSL(fd, Pistache::Address(), ssl.release())
          : tcp::Peer::Create(fd, Pistache::Address());
  const auto connection =
      std::make_shared<Connection>(*this, peer, std::move(address), std::move(admission));
  connections_[fd] = connection;
  try {
    handleNewPeer(peer);
  } catch (...) {  // epoll takes no more
    Drop(*connection);
  }
}

std::size_t IoLoop::Write(Connection& connection, std::string_view bytes) {
  const tcp::Peer& peer = *connection.peer();
  std::size_t written = 0;
  if (peer.ssl() == nullptr) {
    const ssize_t sent = send(peer.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    written = sent < 0 ? 0 : static_cast<std::size_t>(sent);
  } else {
    ERR_clear_error();
    std::size_t record = 0;  // each call writes one
    while (written < bytes.size() &&
           SSL_write_ex(static_cast<SSL*>(peer.ssl()), bytes.data() + written,
                        bytes.size() - written, &record) == 1) {
      written += record;
    }
  }
  if (written < bytes.size()) {
    // An error looks the same: reading will meet it, or the time to write ends.
    reactor()->modifyFd(
        key(), peer.fd(),
        polling::NotifyOn::Read | polling::NotifyOn::Write | polling::NotifyOn::Shutdown,
        polling::Mode::Edge);
  }
  return written;
}

void IoLoop::TakeTurns(Connection& connection) { turns_.push_back(connection.weak_from_this()); }

void IoLoop::GiveTurns() {
  const std::vector<std::weak_ptr<Connection>> turns = std::exchange(turns_, {});
  for (const std::weak_ptr<Connection>& turn : turns) {
    if (const std::shared_ptr<Connection> connection = turn.lock()) {
      Guarded(*connection, [&] { connection->OnTurn(); });
    }
  }
  if (!turns_.empty()) {
    mailbox_->Wake();
  }
}

void IoLoop::Drop(Connection& connection) {
  const std::shared_ptr<tcp::Peer> peer = connection.peer();
  const auto found = peers.find(peer->fd());
  if (found == peers.end() || found->second != peer) {
    return;
  }
  if (connection.is_writing()) {
    // What the client did not take is not kept for it by the kernel either.
    const linger reset{1, 0};
    setsockopt(peer->fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }
  handler_->onDisconnection(peer);
  removePeer(peer);
}

void IoLoop::Tick() {
  const Clock::time_point now = Clock::now();
  std::vector<std::shared_ptr<Connection>> all;
  for (const auto& [fd, connection] : connections_) {
    all.push_back(connection);
  }
  for (const std::shared_ptr<Connection>& connection : all) {
    Guarded(*connection, [&] {
      if (connection->OnTick(now)) {
        Drop(*connection);
      }
    });
  }
}

void IoLoop::DropAll() {
  const auto all = connections_;
  for (const auto& [fd, connection] : all) {
    Drop(*connection);
  }
}

}  // namespace bulla::http
