// The line of the log that each request of a client has.
#pragma once

#include "http/server.h"
#include "service/log.h"

namespace bulla::service {

void LogAnswered(Log& log, const http::Answered& answered);

}  // namespace bulla::service
