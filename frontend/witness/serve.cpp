#include "witness/serve.h"

#include <chrono>
#include <optional>
#include <utility>

#include <pwd.h>
#include <unistd.h>

#include "http/server.h"
#include "service/exit_codes.h"
#include "service/process.h"
#include "service/request_log.h"
#include "service/serve.h"
#include "service/version.h"
#include "witness/endpoints.h"
#include "witness/read_back.h"

namespace bulla::witness {
namespace {

using service::Config;
using service::Level;
using std::chrono::milliseconds;

PosixTime Now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since).count();
  return {seconds < 0 ? 0 : static_cast<std::uint64_t>(seconds)};
}

// A superuser of the database is its user on this host, and could read the key.
void RefuseDatabaseUser() {
  const passwd* const user = getpwuid(geteuid());
  if (user != nullptr && std::string_view(user->pw_name) == "postgres")
    throw service::StartError(
        "a witness does not run as postgres, whom it is there to watch: give it a user of its own");
}

// Everything that lives while the witness serves.
class Service {
 public:
  explicit Service(const Config& config)
      : config_(config), log_(config.log_level), metrics_(Routes()) {
    StateFile state(KeyPath(config), StatePath(config));
    const client::Rules rules{.ca_file = config.publish.ca_file};
    CheckDirectory(config.publish.directory, state.state());
    CheckPrefixes(config.publish.read_back, rules, state.state());
    evidence_.emplace(EvidencePath(config), state.verifier());
    const auto& publish = config.publish;
    publisher_.emplace(Targets{publish.directory, publish.webhooks, publish.peers, rules},
                       *evidence_, log_, Now);
    service::RaiseFileLimit();
    log_.Write(Level::kInfo, "witness",
               {{"key", state.verifier().ToText()},
                {"logs", static_cast<std::int64_t>(state.state().logs.size())},
                {"version", service::Version()}});
    if (geteuid() == 0)
      log_.Write(Level::kWarning, "a witness needs no rights of root: give it a user of its own");
    witness_.emplace(std::move(state), *evidence_, *publisher_, log_, config.witness.refresh_every,
                     Now);
    AddEndpoints(api_router_, *witness_);
    AddAdministration(admin_router_, *witness_, draining_, metrics_);
    AddGauges(metrics_, *witness_, *evidence_, *publisher_);
    api_.emplace(ApiOptions());
    admin_.emplace(AdminOptions());
    LogAddresses("admin", *admin_);
    LogAddresses("api", *api_);
  }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  void ReloadTls() {
    if (config_.api.tls_certificate.empty()) return;
    try {
      api_->ReloadTls();
      log_.Write(Level::kInfo, "the TLS files were read again");
    } catch (const std::runtime_error& reason) {
      log_.Write(Level::kError, "the TLS files could not be read again; the old ones stay in use",
                 {{"error", reason.what()}});
    }
  }

  void Drain() {
    draining_ = true;
    log_.Write(Level::kInfo, "stopping: requests under way are answered, no new ones accepted");
    const bool all = api_->Drain(config_.drain);
    witness_->Stop();
    publisher_->Stop();
    admin_->Drain(milliseconds(100));
    log_.Write(all ? Level::kInfo : Level::kWarning,
               all ? "stopped: all requests were answered" : "stopped: some requests were cut off");
  }

 private:
  http::ServerOptions ApiOptions() {
    const auto& api = config_.api;
    return {.listen = api.listen,
            .io_threads = static_cast<int>(api.io_threads),
            .limits = config_.limits,
            .tls = !api.tls_certificate.empty(),
            .tls_files = {api.tls_certificate, api.tls_key, api.tls_client_ca},
            .trusted_proxies = api.trusted_proxies,
            .handler =
                [this](std::shared_ptr<http::Exchange> exchange) {
                  api_router_.Route(std::move(exchange));
                },
            .on_answered =
                [this](const http::Answered& answered) {
                  metrics_.Count(answered);
                  LogAnswered(log_, answered);
                }};
  }

  http::ServerOptions AdminOptions() {
    return {.listen = config_.admin.listen,
            .io_threads = 1,
            .limits = config_.limits,
            .tls = false,
            .tls_files = {},
            .trusted_proxies = {},
            .handler =
                [this](std::shared_ptr<http::Exchange> exchange) {
                  admin_router_.Route(std::move(exchange));
                },
            .on_answered = [this](const http::Answered& answered) { metrics_.Count(answered); }};
  }

  void LogAddresses(std::string_view listener, const http::Server& server) {
    log_.Write(Level::kInfo, "listening",
               {{"listener", listener}, {"addresses", server.addresses()}});
  }

  const Config config_;
  service::Log log_;
  service::Metrics metrics_;
  std::optional<EvidenceStore> evidence_;
  std::optional<Publisher> publisher_;
  std::optional<Witness> witness_;
  std::atomic<bool> draining_{false};
  http::Router api_router_;
  http::Router admin_router_;
  std::optional<http::Server> api_;
  std::optional<http::Server> admin_;
};

}  // namespace

std::string StatePath(const Config& config) {
  if (config.witness.state.empty())
    throw service::ConfigError("witness.state must name the witness's state file (or --state)");
  return config.witness.state;
}

std::string KeyPath(const Config& config) {
  return config.witness.key.empty() ? StatePath(config) + ".key" : config.witness.key;
}

std::string EvidencePath(const Config& config) {
  return config.witness.evidence.empty() ? StatePath(config) + ".evidence"
                                         : config.witness.evidence;
}

int Serve(const Config& config) {
  RefuseDatabaseUser();
  const sigset_t signals = service::BlockSignals();
  std::optional<Service> service;
  try {
    service.emplace(config);
  } catch (const StateError&) {
    throw;
  } catch (const service::ConfigError&) {
    throw;
  } catch (const ReadBackError&) {
    throw;
  } catch (const std::runtime_error& reason) {
    throw service::StartError(reason.what());
  }
  service::RunUntilSignalled(
      signals, [&service] { service->ReloadTls(); }, [&service] { service->Drain(); });
  return service::kFine;
}

}  // namespace bulla::witness
