// An answer as bytes.
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"

namespace bulla::http {

struct AnswerFraming {
  std::string_view request_id = {};  // sent as X-Request-Id; empty: not sent
  bool head_only = false;            // the answer to HEAD: the length of the body, not the body
  bool close = false;
};

// HTTP/1.1, with Date, Content-Length and, where the connection ends, Connection: close. Line ends in
// values of fields are left out: nobody can put a field of their own into an answer.
std::string WriteAnswer(const Response& response, const AnswerFraming& framing);

}  // namespace bulla::http
