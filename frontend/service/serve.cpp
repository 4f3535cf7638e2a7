#include "service/serve.h"

#include <chrono>
#include <csignal>
#include <ctime>
#include <future>
#include <optional>

#include <pthread.h>
#include <unistd.h>

#include "service/exit_codes.h"
#include "service/service.h"

namespace bulla::service {
namespace {

using std::chrono::milliseconds;

// Threads inherit it, so signals wait until the main thread asks for them.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

}  // namespace

int Serve(const Config& config) {
  const sigset_t signals = BlockSignals();
  std::optional<Service> service;
  try {
    service.emplace(config);
  } catch (const std::runtime_error& reason) {
    throw StartError(reason.what());
  }
  std::optional<std::future<void>> draining;
  while (!draining || draining->wait_for(milliseconds(0)) != std::future_status::ready) {
    // While draining, a look at every tick whether it is over.
    const timespec tick{0, 50'000'000};
    const int number =
        draining ? sigtimedwait(&signals, nullptr, &tick) : sigwaitinfo(&signals, nullptr);
    if (number < 0) continue;
    if (number == SIGHUP)
      service->ReloadTls();
    else if (draining)
      _exit(kFailed);
    else
      draining = std::async(std::launch::async, [&service] { return service->Drain(); });
  }
  return kFine;
}

}  // namespace bulla::service
