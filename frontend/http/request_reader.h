// Splits what a client sends into requests: HTTP/1.1 framing (RFC 9112), strictly.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "http/limits.h"
#include "http/message.h"

namespace bulla::http {

// One connection's reader. Boost.Beast parses; above it stands what Beast takes and RFC 9112 forbids, or
// lets a recipient refuse because other recipients read it otherwise: bare CR and LF, folded fields,
// another number of Host fields than one, a repeated Content-Length, Content-Length beside
// Transfer-Encoding, any transfer coding but exactly "chunked". Trailers are read and dropped.
//
// No I/O, no clock. After an error nothing is read any more: what follows may not be a request.
class RequestReader {
 public:
  enum class State {
    kHead,      // waiting for a request, or for the rest of its head
    kBody,      // waiting for the rest of its body
    kComplete,  // Take() has a request
    kFailed,    // status() and detail() say why
  };

  explicit RequestReader(const Limits& limits);  // kept by reference
  ~RequestReader();

  // Takes over the bytes; reads up to the end of the first request. What stands behind it is kept.
  State Feed(std::string_view bytes);
  State state() const { return state_; }

  // The complete request without id and client. Begins to read the next: state() may be kComplete at
  // once.
  Request Take();

  // Whether the client wants to go on after the complete request. To be asked before Take().
  bool keep_alive() const { return keep_alive_; }

  // Whether the client waits for "100 Continue" before it sends the body.
  bool WantsContinue() const;

  bool begun() const { return state_ != State::kHead || !input_.empty(); }
  std::size_t held_bytes() const;

  int status() const { return status_; }
  std::string_view detail() const { return detail_; }

 private:
  class Parser;

  State Fail(int status, std::string_view detail);
  State Read();
  State ReadHead();
  State ReadBody();
  State CheckFields();
  bool CheckTarget(std::string_view target);

  const Limits& limits_;
  std::unique_ptr<Parser> parser_;
  Request request_;
  std::string input_;         // not yet parsed
  std::size_t searched_ = 0;  // of input_, where the end of the head is not
  bool skipped_empty_line_ = false;
  bool expects_continue_ = false;
  bool keep_alive_ = true;
  State state_ = State::kHead;
  int status_ = 0;
  std::string_view detail_;
};

}  // namespace bulla::http
