#include "http/exchange.h"

#include "http/problem.h"

namespace bulla::http {

Exchange::~Exchange() {
  if (!answered_) {
    try {
      Answer(MakeProblem(
          {.status = 500, .detail = "the request was not worked on", .request_id = request_.id}));
    } catch (
        ...) {  // bad_alloc: the connection's owner sees an exchange that ended without an answer
      Answer({.status = 500});
    }
  }
}

void Exchange::Answer(Response response) noexcept {
  if (!answered_.exchange(true)) {
    deliver_(*this, std::move(response));
  }
}

}  // namespace bulla::http
