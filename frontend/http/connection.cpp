#include "http/connection.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <pistache/peer.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "http/answer.h"
#include "http/io_loop.h"
#include "http/problem.h"

namespace bulla::http {
namespace {

// What is handed to the kernel before other clients have their turn.
constexpr std::size_t kSlice = 256 * 1024;
// What is read and thrown away from a client that was told that its connection ends.
constexpr std::size_t kMaxDiscarded = 16 * 1024 * 1024;
constexpr std::size_t kMaxRequestId = 40;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::string NewRequestId() {
  std::array<unsigned char, 16> bytes;
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  std::string text;
  for (const unsigned char byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 0xF];
  }
  return text;
}

bool IsRequestId(std::string_view text) {
  return !text.empty() && text.size() <= kMaxRequestId &&
         std::all_of(text.begin(), text.end(), [](char character) {
           return (character >= 'a' && character <= 'z') ||
                  (character >= 'A' && character <= 'Z') ||
                  (character >= '0' && character <= '9') || character == '.' || character == '_' ||
                  character == '-';
         });
}

}  // namespace

// An answer on its way to the connection's thread, with what is told of it there. The exchange itself
// may be gone by then.
struct Connection::Outcome {
  Response response = {};
  std::string request_id = {};
  std::string client = {};
  std::string method = {};
  std::string path = {};
  std::string route = {};
  std::size_t request_bytes = 0;
  Clock::time_point arrived = Clock::now();

  static Outcome Of(const Exchange& exchange, Response response) {
    const Request& request = exchange.request();
    return {.response = std::move(response),
            .request_id = request.id,
            .client = request.client,
            .method = request.method,
            .path = request.path,
            .route = exchange.route(),
            .request_bytes = request.body.size(),
            .arrived = exchange.arrived()};
  }

  // Status 0: the client went before the answer. What the observer throws is the observer's: the answer
  // goes its way.
  void Report(const ServerState& state, int status) const noexcept {
    if (!state.options.on_answered) {
      return;
    }
    const auto duration = Clock::now() - arrived;
    try {
      state.options.on_answered(
          {.request_id = request_id,
           .client = client,
           .method = method,
           .path = path,
           .route = route,
           .status = status,
           .request_bytes = request_bytes,
           .response_bytes = response.body.size(),
           .duration = std::chrono::duration_cast<std::chrono::microseconds>(duration)});
    } catch (...) {
    }
  }
};

Connection::Connection(IoLoop& loop, std::shared_ptr<Pistache::Tcp::Peer> peer, std::string address,
                       Admission admission)
    : loop_(loop),
      state_(loop.state()),
      peer_(std::move(peer)),
      address_(std::move(address)),
      admission_(std::move(admission)),
      reader_(state_->options.limits) {
  SetDeadline(state_->options.limits.idle_time);
}

Connection::~Connection() { state_->held_bytes -= held_bytes_; }

bool Connection::OnInput(std::string_view bytes) {
  const Limits& limits = state_->options.limits;
  if (phase_ == Phase::kClosing) {
    discarded_ += bytes.size();
    return discarded_ <= kMaxDiscarded;
  }
  reader_.Feed(bytes);
  CountHeldBytes();
  if (phase_ == Phase::kReading) {
    Advance();
    return true;
  }
  return reader_.held_bytes() <= limits.head + limits.body;  // sent ahead
}

void Connection::Advance() {
  const Limits& limits = state_->options.limits;
  switch (reader_.state()) {
    case RequestReader::State::kHead:
      if (!begun_ && reader_.begun()) {
        begun_ = true;
        SetDeadline(limits.head_time);
      }
      return;
    case RequestReader::State::kBody:
      if (state_->held_bytes > limits.held_bytes) {
        Refuse(503, "this server holds as many bytes for its clients as it may");
        return;
      }
      if (!in_body_) {
        begun_ = in_body_ = true;
        SetDeadline(limits.body_time);
        if (reader_.WantsContinue()) {
          SayContinue();
        }
      }
      return;
    case RequestReader::State::kComplete:
      Begin();
      return;
    case RequestReader::State::kFailed:
      Refuse(reader_.status(), reader_.detail());
      return;
  }
}

// A client that does not take even this may not wait for it either. A part of it cannot be left.
void Connection::SayContinue() {
  const std::size_t written = loop_.Write(*this, kContinue);
  if (written > 0 && written < kContinue.size()) {
    throw std::runtime_error("an interim answer was cut off");
  }
}

std::string Connection::RequestId(const Request& request) const {
  const std::string* given = request.Find("x-request-id");
  if (given != nullptr && IsRequestId(*given) && state_->trusted_proxies.Contains(address_)) {
    return *given;
  }
  return NewRequestId();
}

void Connection::Begin() {
  keep_alive_ = reader_.keep_alive();
  Request request = reader_.Take();
  CountHeldBytes();
  head_only_ = request.method == "HEAD";
  request.id = RequestId(request);
  request.client = ClientBehind(state_->trusted_proxies, address_, request.fields);

  phase_ = Phase::kWorking;
  ++serial_;
  ++state_->in_flight;
  auto exchange = std::make_shared<Exchange>(
      std::move(request), [self = weak_from_this(), mailbox = loop_.mailbox(), state = state_,
                           serial = serial_](Exchange& answered, Response response) {
        --state->in_flight;
        auto outcome = std::make_shared<Outcome>(Outcome::Of(answered, std::move(response)));
        const bool posted = mailbox->Post([self, state, serial, outcome] {
          if (const std::shared_ptr<Connection> connection = self.lock()) {
            connection->Finish(serial, std::move(*outcome));
          } else {
            outcome->Report(*state, 0);
          }
        });
        if (!posted) {
          outcome->Report(*state, 0);
        }
      });
  exchange_ = exchange;
  try {
    state_->options.handler(exchange);
  } catch (...) {
    exchange->Answer(MakeProblem({.status = 500,
                                  .detail = "this request could not be worked on",
                                  .request_id = exchange->request().id}));
  }
}

void Connection::Finish(std::uint64_t serial, Outcome outcome) {
  if (phase_ != Phase::kWorking || serial != serial_) {
    outcome.Report(*state_, 0);
    return;
  }
  outcome.Report(*state_, outcome.response.status);
  const bool close = outcome.response.close || !keep_alive_ || state_->draining;
  try {
    Write(WriteAnswer(outcome.response, {outcome.request_id, head_only_, close}), close);
  } catch (...) {  // out of memory: nothing can be answered, so the next tick drops the connection
    phase_ = Phase::kClosing;
    deadline_ = Clock::now();
  }
}

void Connection::Refuse(int status, std::string_view detail) {
  Outcome outcome{.request_id = NewRequestId(), .client = address_, .route = "malformed"};
  outcome.response =
      MakeProblem({.status = status, .detail = detail, .request_id = outcome.request_id});
  if (status == 503) {
    outcome.response.fields.emplace_back("Retry-After", "1");
  }
  outcome.Report(*state_, status);
  Write(WriteAnswer(outcome.response, {outcome.request_id, false, true}), true);
}

void Connection::Write(std::string bytes, bool close) {
  outgoing_ = std::move(bytes);
  sent_ = 0;
  close_ = close;
  phase_ = Phase::kWriting;
  CountHeldBytes();
  SetDeadline(state_->options.limits.write_time);
  GoOnWriting();
}

void Connection::OnWritable() { GoOnWriting(); }

void Connection::OnTurn() {
  if (phase_ != Phase::kWriting) {
    return;
  }
  if (sent_ < outgoing_.size()) {
    GoOnWriting();
  } else {
    EndAnswer();
  }
}

// The time for an answer begins anew whenever the client took a part of it: what is demanded is that it
// goes on, not a rate.
void Connection::GoOnWriting() {
  const std::string_view slice = std::string_view(outgoing_).substr(sent_, kSlice);
  if (slice.empty()) {
    return;  // its turn is to come
  }
  const std::size_t written = loop_.Write(*this, slice);
  if (written > 0) {
    sent_ += written;
    SetDeadline(state_->options.limits.write_time);
  }
  if (written == slice.size()) {
    loop_.TakeTurns(*this);
  }
}

void Connection::EndAnswer() {
  outgoing_ = std::string();
  CountHeldBytes();
  if (close_) {
    phase_ = Phase::kClosing;
    SetDeadline(state_->options.limits.linger_time);
    if (peer_->ssl() != nullptr) {
      SSL_shutdown(static_cast<SSL*>(peer_->ssl()));
      ERR_clear_error();
    }
    shutdown(peer_->fd(), SHUT_WR);
    return;
  }
  phase_ = Phase::kReading;
  begun_ = in_body_ = false;
  SetDeadline(state_->options.limits.idle_time);
  Advance();
}

void Connection::OnGone() {
  phase_ = Phase::kClosing;
  if (const std::shared_ptr<Exchange> exchange = exchange_.lock()) {
    exchange->Abandon();
  }
}

bool Connection::OnTick(Clock::time_point now) {
  const bool idle = phase_ == Phase::kReading && !begun_;
  if (idle && state_->draining) {
    return true;
  }
  if (phase_ == Phase::kWorking || now < deadline_) {
    return false;
  }
  if (phase_ == Phase::kReading && !idle) {
    Refuse(408, in_body_ ? "the body did not arrive in time" : "the head did not arrive in time");
    return false;
  }
  return true;
}

void Connection::CountHeldBytes() {
  const std::size_t now = reader_.held_bytes() + outgoing_.size();
  state_->held_bytes += now - held_bytes_;  // wraps to a subtraction where there is less
  held_bytes_ = now;
}

}  // namespace bulla::http
