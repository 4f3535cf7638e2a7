#include "service/process.h"

#include <chrono>
#include <ctime>
#include <future>
#include <optional>
#include <utility>

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "service/exit_codes.h"

namespace bulla::service {

using std::chrono::milliseconds;

sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of the write
  return signals;
}

void RunUntilSignalled(const sigset_t& signals, const std::function<void()>& reload,
                       const std::function<void()>& drain) {
  std::optional<std::future<void>> draining;
  while (!draining || draining->wait_for(milliseconds(0)) != std::future_status::ready) {
    // While draining, a look at every tick whether it is over.
    const timespec tick{0, 50'000'000};
    const int number =
        draining ? sigtimedwait(&signals, nullptr, &tick) : sigwaitinfo(&signals, nullptr);
    if (number < 0) continue;
    if (number == SIGHUP)
      reload();
    else if (draining)
      _exit(kFailed);
    else
      draining = std::async(std::launch::async, drain);
  }
}

std::size_t RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlim_t before = std::exchange(limit.rlim_cur, limit.rlim_max);
  return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

}  // namespace bulla::service
