#include "service/serve.h"

#include <optional>

#include "service/exit_codes.h"
#include "service/process.h"
#include "service/service.h"

namespace bulla::service {

int Serve(const Config& config) {
  const sigset_t signals = BlockSignals();
  std::optional<Service> service;
  try {
    service.emplace(config);
  } catch (const std::runtime_error& reason) {
    throw StartError(reason.what());
  }
  RunUntilSignalled(
      signals, [&service] { service->ReloadTls(); }, [&service] { service->Drain(); });
  return kFine;
}

}  // namespace bulla::service
