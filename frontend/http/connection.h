// One client's connection: reads requests, has them answered one after the other, writes the answers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/exchange.h"
#include "http/request_reader.h"
#include "http/server_state.h"

namespace Pistache::Tcp {
class Peer;
}

namespace bulla::http {

class IoLoop;

// Lives in its loop's thread. Requests that are sent ahead wait until the answer before is written, so a
// connection holds one answer at most.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // `address` is the peer's, empty for a unix socket.
  Connection(IoLoop& loop, std::shared_ptr<Pistache::Tcp::Peer> peer, std::string address,
             Admission admission);
  ~Connection();

  // False: nothing more is wanted from this client, the connection has to be dropped.
  [[nodiscard]] bool OnInput(std::string_view bytes);

  // The kernel may take more of the answer.
  void OnWritable();

  // Other clients had their turn.
  void OnTurn();

  // The peer has gone or is going: whoever works for it is told.
  void OnGone();

  // Whether the connection has to be dropped now: a time is over.
  [[nodiscard]] bool OnTick(Clock::time_point now);

  // Whether the client has yet to take a part of an answer.
  bool is_writing() const { return phase_ == Phase::kWriting; }
  const std::shared_ptr<Pistache::Tcp::Peer>& peer() const { return peer_; }

 private:
  enum class Phase {
    kReading,  // a request is read, or waited for
    kWorking,  // a handler has it
    kWriting,  // its answer is on the way
    kClosing,  // the last answer is written; waiting for the client to close
  };
  struct Outcome;

  void Advance();
  void SayContinue();
  void Begin();
  void Finish(std::uint64_t serial, Outcome outcome);
  void Refuse(int status, std::string_view detail);
  void Write(std::string bytes, bool close);
  void GoOnWriting();
  void EndAnswer();
  void CountHeldBytes();
  std::string RequestId(const Request& request) const;
  void SetDeadline(std::chrono::milliseconds time) { deadline_ = Clock::now() + time; }

  IoLoop& loop_;
  const std::shared_ptr<ServerState> state_;
  const std::shared_ptr<Pistache::Tcp::Peer> peer_;
  const std::string address_;
  const Admission admission_;

  Phase phase_ = Phase::kReading;
  Clock::time_point deadline_;

  RequestReader reader_;
  bool begun_ = false;    // a request has begun to come in
  bool in_body_ = false;  // its head is complete
  std::size_t discarded_ = 0;

  std::weak_ptr<Exchange> exchange_;
  std::uint64_t serial_ =
      0;                    // counts exchanges: a late answer is told from the one that is awaited
  bool head_only_ = false;  // the request is HEAD
  bool keep_alive_ = true;

  std::string outgoing_;
  std::size_t sent_ = 0;  // of outgoing_
  bool close_ = false;    // after outgoing_

  std::size_t held_bytes_ = 0;  // as last counted in state_
};

}  // namespace bulla::http
