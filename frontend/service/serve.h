// The service from start to end.
#pragma once

#include <stdexcept>

#include "service/config.h"

namespace bulla::service {

// One plain sentence: an address that cannot be listened on, a TLS file that cannot be used.
struct StartError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Serves until SIGTERM or SIGINT, then lets what is under way end; a second one of them ends at once.
// SIGHUP reads the TLS files again. To be called in a process that has no other threads. Returns the
// process's exit code. Throws StartError where it cannot begin.
int Serve(const Config& config);

}  // namespace bulla::service
