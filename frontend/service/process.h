// A process that serves: its signals and limits.
#pragma once

#include <csignal>
#include <cstddef>
#include <functional>

namespace bulla::service {

// SIGTERM, SIGINT and SIGHUP wait until RunUntilSignalled asks for them; SIGPIPE and SIGXFSZ are ignored. Threads inherit it: to be called
// before there are any.
sigset_t BlockSignals();

// Until SIGTERM or SIGINT, and then until `drain` is over; a second one of them ends the process at once. SIGHUP calls
// `reload`.
void RunUntilSignalled(const sigset_t& signals, const std::function<void()>& reload,
                       const std::function<void()>& drain);

// Raises the limit of open files as far as it may be raised, and returns it; 0 where it is not known.
std::size_t RaiseFileLimit();

}  // namespace bulla::service
