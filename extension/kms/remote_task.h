// A batch done in a child process, with the answers handed back: for providers that need libraries of
// others, which may hang or crash.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/secret_bytes.h"
#include "kms/waiter.h"

namespace bulla {

struct RemoteAnswers {
  std::vector<Result<SecretBytes>> items;
  // What the next task shall know, for example a session's token and for how long it is good.
  SecretBytes kept;
  uint32_t kept_seconds = 0;
};

// Runs in the child. What it writes to its standard error goes
// into the server's log, bounded and cleaned.
using RemoteTask = std::function<Result<RemoteAnswers>()>;

// kUnavailable when the child crashes or the time is over; the errors of the task itself otherwise. Every
// message begins with `who`.
Result<RemoteAnswers> RunRemotely(const RemoteTask& task, const std::string& who, Waiter& waiter);

}  // namespace bulla
