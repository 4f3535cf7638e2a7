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
// - It reads; we write. Its queue of writes knows a peer by its descriptor's number only, which may be
//   another client's by then, and spins while a client does not read.
// - Peers come and answers arrive through the mailbox.
// - Events to read are handed to Pistache one by one: an error in one ends its connection and no other.
// - A peer is never removed while Pistache reads from it: its descriptor could be another client's
//   before the next read. Who wants to be rid of it there throws LeaveReading.
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

  // Writes as many of the bytes as the kernel takes at once and returns how many. Where it does not take
  // all, OnWritable is called when it takes more.
  std::size_t Write(Connection& connection, std::string_view bytes);

  // Calls OnTurn once the event that is worked on now is done with and other clients had their turn.
  void TakeTurns(Connection& connection);

  // Closes every connection at once.
  void DropAll();

 private:
  class PeerHandler;
  struct LeaveReading {};

  IoLoop(std::shared_ptr<ServerState> state, std::shared_ptr<PeerHandler> handler);
  void Dispatch(const Pistache::Aio::FdSet::Entry& event);
  void Read(Pistache::Polling::Tag tag);
  template <typename Work>
  void Guarded(Connection& connection, Work work);  // an exception ends the connection
  void Drop(Connection& connection);
  void Tick();
  void GiveTurns();

  std::shared_ptr<ServerState> state_;
  std::shared_ptr<PeerHandler> handler_;
  std::shared_ptr<Mailbox> mailbox_;
  int timer_ = -1;
  std::unordered_map<int, std::shared_ptr<Connection>> connections_;  // by descriptor
  std::vector<std::weak_ptr<Connection>> turns_;
};

}  // namespace bulla::http
