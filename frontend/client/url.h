// Where requests may be sent.
#pragma once

#include <string>

#include "core/result.h"

namespace bulla::client {

// Whether a text is an absolute http or https URL with a host, without user, password and fragment. Plain http
// passes where `plain_http` says so, or where the host is this machine: localhost, 127.0.0.0/8, [::1].
// kInvalidArgument says what is wrong; the message does not repeat the URL, which may hold a secret.
Result<void> CheckUrl(const std::string& url, bool plain_http);

}  // namespace bulla::client
