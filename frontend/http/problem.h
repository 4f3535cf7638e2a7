// Errors as RFC 9457 problem details.
#pragma once

#include <string_view>

#include "http/message.h"

namespace bulla::http {

// {"type":"about:blank","title":reason phrase,"status":…,"detail":…,"requestId":…} and, where given,
// "hint" and "sqlstate". Text that is not UTF-8 is repaired, not refused. Never throws but bad_alloc.
struct Problem {
  int status = 500;
  std::string_view detail;
  std::string_view hint = {};
  std::string_view sqlstate = {};
  std::string_view request_id = {};
};

Response MakeProblem(const Problem& problem);

}  // namespace bulla::http
