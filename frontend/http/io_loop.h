// One I/O thread: Pistache's reactor, transport and peers, used from this thread only.
#pragma once

#include <pistache/peer.h>
#include <pistache/reactor.h>
#include <pistache/tcp.h>
#include <pistache/transport.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "http/server_state.h"
#include "http/tls.h"

namespace bulla::http {

class Connection;

// The way into a loop from other threads. Outlives the loop: what is posted after its end is dropped,
// and says so.
class Mailbox {
 public:
  using Letter = std::function<void()>;

  Mailbox();
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // Runs the letter in the loop's thread; at once where this is it. Returns false, and drops it, where
  // the loop has ended. What a letter throws is caught and ends there.
  bool Post(Letter letter);

  // Has the loop look here, also where there is no mail.
  void Wake();

  // For the loop: its thread; what is readable when there is mail; the mail, and how to read it.
  void MoveIn(std::thread::id loop) { loop_ = loop; }
  int fd() const { return fd_; }
  std::vector<Letter> Collect();
  static void Open(const Letter& letter) noexcept;
  void Close();

 private:
  const int fd_;
  std::atomic<std::thread::id> loop_{};
  std::mutex mutex_;
  std::vector<Letter> letters_;
  bool closed_ = false;
};

// Pistache's transport under rules of ours:
// - Peers come and answers arrive through the mailbox, so Pistache's own queues, which know a peer by
//   its descriptor's number only, are used in this thread alone and emptied before a peer can go.
// - Events are handed to Pistache one by one: an error in one ends its connection and no other.
// - A peer is never removed while Pistache reads from it: its descriptor could be another client's
//   before the next read. Who wants to be rid of it there throws LeaveReading.
// - What follows a write is done after Pistache has returned, which holds a lock while it tells of it.
class IoLoop : public Pistache::Tcp::Transport {
 public:
  explicit IoLoop(std::shared_ptr<ServerState> state);
  ~IoLoop() override;

  std::shared_ptr<Pistache::Aio::Handler> clone() const override;
  void registerPoller(Pistache::Polling::Epoll& poller) override;
  void onReady(const Pistache::Aio::FdSet& events) override;

  const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }
  const std::shared_ptr<ServerState>& state() const { return state_; }

  // What follows is for the loop's thread.

  // Takes over a new connection and its descriptor. `ssl` is null for plain TCP.
  void Adopt(int fd, SslPtr ssl, std::string address, Admission admission);

  // Sends bytes. Where asked to report, calls OnWritten when all of them are with the kernel, but never
  // before this has returned, and not when the peer goes before.
  enum class Report { kNo, kYes };
  void Send(Connection& connection, std::string bytes, Report report);

  // Closes every connection at once.
  void DropAll();

 private:
  class PeerHandler;
  struct LeaveReading {};

  IoLoop(std::shared_ptr<ServerState> state, std::shared_ptr<PeerHandler> handler);
  void Dispatch(const Pistache::Aio::FdSet::Entry& event);
  void Forward(Pistache::Polling::Tag tag, Pistache::Polling::NotifyOn what);
  void Drop(Connection& connection);
  void Tick();
  void TellWritten();

  std::shared_ptr<ServerState> state_;
  std::shared_ptr<PeerHandler> handler_;
  std::shared_ptr<Mailbox> mailbox_;
  int timer_ = -1;
  std::unordered_map<int, std::shared_ptr<Connection>> connections_;  // by descriptor
  std::vector<std::weak_ptr<Connection>> written_;                    // to be told
};

}  // namespace bulla::http
