// What becomes of an operation's answer on its way out.
#pragma once

#include "http/message.h"
#include "service/operations.h"

namespace bulla::service {

// Of a JSON answer the one member that the operation sends as text, where the client accepts text/plain and names no
// JSON. An error of an operation whose answers are kept must not be kept: what is not there may come.
http::Response InForm(const Operation& operation, const http::Request& request,
                      http::Response response);

}  // namespace bulla::service
