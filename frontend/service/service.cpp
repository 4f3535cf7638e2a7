#include "service/service.h"

#include <stdexcept>
#include <utility>

#include "service/process.h"
#include "service/request_log.h"
#include "service/version.h"

namespace bulla::service {
namespace {

using std::chrono::milliseconds;

database::PoolOptions PoolOf(const Config& config, Lane lane, Log& log) {
  const bool is_long = lane == Lane::kLong;
  const auto& database = config.database;
  const auto of_lane = [lane](auto everyday, auto long_calls, auto open) {
    return lane == Lane::kLong ? long_calls : lane == Lane::kOpen ? open : everyday;
  };
  const std::string_view name = of_lane("everyday", "long", "open");
  return {.connections =
              of_lane(database.connections, database.long_connections, database.open_connections),
          .queue = of_lane(database.queue, database.long_queue, database.open_queue),
          .connection = {.conninfo = database.conninfo,
                         .connect_timeout = database.connect_timeout,
                         .statement_timeout = is_long ? database.long_deadline : database.deadline,
                         .statements = PreparedStatements()},
          .report = [&log, name](bool well, std::string_view what) {
            log.Write(well ? Level::kInfo : Level::kWarning, what, {{"pool", name}});
          }};
}

database::PoolOptions SealingPool(const Config& config, Log& log) {
  database::PoolOptions options = PoolOf(config, Lane::kLong, log);
  options.connections = options.queue = 1;
  options.connection.statements = {Sealer::SealRoundSql()};
  options.report = [&log](bool well, std::string_view what) {
    log.Write(well ? Level::kInfo : Level::kWarning, what, {{"pool", "sealing"}});
  };
  return options;
}

std::vector<std::string> Routes() {
  std::vector<std::string> routes = {"/health", "/health/live", "/health/ready", "/metrics"};
  for (const Operation& operation : Operations()) routes.emplace_back(operation.pattern);
  return routes;
}

}  // namespace

Service::Service(const Config& config)
    : config_(config),
      log_(config.log_level),
      metrics_(Routes()),
      everyday_(PoolOf(config, Lane::kEveryday, log_)),
      long_calls_(PoolOf(config, Lane::kLong, log_)),
      open_(PoolOf(config, Lane::kOpen, log_)),
      rest_({everyday_, config.database.deadline}, {long_calls_, config.database.long_deadline},
            {open_, config.database.deadline}, log_) {
  constexpr std::size_t kOtherFiles = 100;
  const std::size_t files = RaiseFileLimit();
  if (files < config_.limits.connections + config_.database.connections + kOtherFiles) {
    log_.Write(
        Level::kWarning,
        "the process may open too few files (ulimit -n) for limits.connections: clients could "
        "leave none for the database",
        {{"may_open", static_cast<std::int64_t>(files)}});
  }
  rest_.AddTo(api_router_);
  AddHealth(api_router_, health_);
  AddAdministration(admin_router_, health_, metrics_);
  api_.emplace(ApiOptions());
  if (config_.verify_every.count() > 0)
    verifier_.emplace(LanePool{long_calls_, config_.database.long_deadline}, config_.verify_every,
                      log_);
  if (config_.messages_every.count() > 0)
    key_messages_.emplace(LanePool{everyday_, config_.database.deadline}, config_.messages_every,
                          log_);
  if (config_.seal_every.count() > 0) {
    sealing_.emplace(SealingPool(config_, log_));
    sealer_.emplace(LanePool{*sealing_, config_.database.long_deadline}, config_.seal_every, log_);
  }
  if (config_.witnesses.every.count() > 0)
    witness_asker_.emplace(LanePool{everyday_, config_.database.deadline}, config_.witnesses, log_);
  AddGauges();
  admin_.emplace(AdminOptions());
  LogAddresses();
}

http::ServerOptions Service::ApiOptions() {
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

// Not in the log: a scrape and two probes every few seconds would be most of it.
http::ServerOptions Service::AdminOptions() {
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

void Service::AddPoolGauges(const std::string& name, const database::Pool& pool,
                            std::size_t connections) {
  const auto add = [&](const char* state,
                       std::size_t (*count)(const database::PoolCounts&, std::size_t)) {
    metrics_.Add({"bulla_database_connections",
                  "Database connections: busy with a call, idle, or down.",
                  {{"pool", name}, {"state", state}},
                  [&pool, connections, count] {
                    return static_cast<double>(count(pool.counts(), connections));
                  }});
  };
  using Counts = database::PoolCounts;
  add("busy", [](const Counts& counts, std::size_t) { return counts.busy; });
  add("idle", [](const Counts& counts, std::size_t) { return counts.connections - counts.busy; });
  add("down", [](const Counts& counts, std::size_t all) { return all - counts.connections; });
  metrics_.Add(
      {"bulla_database_queue", "Calls that wait for a connection.", {{"pool", name}}, [&pool] {
         return static_cast<double>(pool.counts().queued);
       }});
}

void Service::AddGauges() {
  AddPoolGauges("everyday", everyday_, config_.database.connections);
  AddPoolGauges("long", long_calls_, config_.database.long_connections);
  AddPoolGauges("open", open_, config_.database.open_connections);
  const auto add = [this](std::string name, std::string help,
                          std::size_t http::ServerCounts::*count, bool counter = false) {
    metrics_.Add({std::move(name),
                  std::move(help),
                  {},
                  [this, count] { return static_cast<double>(api_->counts().*count); },
                  counter});
  };
  add("bulla_http_connections", "Clients' connections.", &http::ServerCounts::connections);
  add("bulla_http_in_flight", "Requests that are being worked on.", &http::ServerCounts::in_flight);
  add("bulla_http_held_bytes", "Bytes of requests and answers in memory.",
      &http::ServerCounts::held_bytes);
  add("bulla_http_refused_connections_total", "Connections that were closed because of a cap.",
      &http::ServerCounts::refused, true);
  metrics_.Add({"bulla_log_lines_dropped_total",
                "Log lines that the reader of the log was too slow for.",
                {},
                [this] { return static_cast<double>(log_.dropped()); },
                true});
  metrics_.Add({"bulla_build_info",
                "Always 1; the version is a label.",
                {{"version", std::string(Version())}},
                [] { return 1.0; }});
  if (verifier_) AddVerifierGauges();
  if (key_messages_) AddKeyGauges();
  if (sealer_) AddSealGauges();
  if (witness_asker_) AddWitnessGauges();
}

void Service::AddWitnessGauges() {
  metrics_.Add(GaugeFamily{"bulla_witness_heard_timestamp_seconds",
                           "When each witness cosigned last; when it was added, before that.",
                           [this] { return witness_asker_->heard_at(); }});
  metrics_.Add(GaugeFamily{"bulla_witness_failures",
                           "How often each witness was asked in vain by this bullad.",
                           [this] { return witness_asker_->failures(); }});
  metrics_.Add(GaugeFamily{"bulla_witness_disagrees",
                           "1 where the log is not the one that the witness has seen.",
                           [this] { return witness_asker_->disagrees(); }});
}

void Service::AddSealGauges() {
  AddPoolGauges("sealing", *sealing_, 1);
  metrics_.Add({"bulla_seal_lag_seconds",
                "For how long rows may have been waiting to be sealed.",
                {},
                [this] { return sealer_->lag(); }});
  metrics_.Add(
      {"bulla_seal_timestamp_seconds", "Until when everything is known to be sealed.", {}, [this] {
         return sealer_->sealed_at();
       }});
  metrics_.Add({"bulla_seal_trees_total",
                "Trees that grew in rounds of this bullad.",
                {},
                [this] { return sealer_->trees(); },
                true});
  metrics_.Add({"bulla_seal_failures_total",
                "Rounds of this bullad that left rows unsealed.",
                {},
                [this] { return sealer_->failures(); },
                true});
}

void Service::AddVerifierGauges() {
  metrics_.Add({"agentidp_audit_chain_integrity",
                "Whether the audit events were sound when last verified.",
                {},
                [this] { return verifier_->integrity(); }});
  metrics_.Add({"bulla_audit_verified_timestamp_seconds",
                "When the audit events were last verified.",
                {},
                [this] { return verifier_->verified_at(); }});
}

void Service::AddKeyGauges() {
  metrics_.Add(GaugeFamily{
      "bulla_key_messages_sealed",
      "Messages that the version of an AES-256-GCM key which seals has sealed, or holds ready to.",
      [this] { return key_messages_->sealed(); }});
  metrics_.Add(GaugeFamily{"bulla_key_messages_budget",
                           "Messages that it may seal in all: rotate the key before that.",
                           [this] { return key_messages_->budget(); }});
}

void Service::LogAddresses() {
  const auto addresses = [this](std::string_view listener, const http::Server& server) {
    log_.Write(Level::kInfo, "listening",
               {{"listener", listener}, {"addresses", server.addresses()}, {"version", Version()}});
  };
  addresses("admin", *admin_);
  addresses("api", *api_);
}

void Service::ReloadTls() {
  if (config_.api.tls_certificate.empty()) return;
  try {
    api_->ReloadTls();
    log_.Write(Level::kInfo, "the TLS files were read again");
  } catch (const std::runtime_error& reason) {
    log_.Write(Level::kError, "the TLS files could not be read again; the old ones stay in use",
               {{"error", reason.what()}});
  }
}

void Service::Drain() {
  health_.draining = true;
  log_.Write(Level::kInfo, "stopping: requests under way are answered, no new ones accepted");
  if (verifier_) verifier_->Stop();
  if (key_messages_) key_messages_->Stop();
  if (sealer_) sealer_->Stop();
  if (witness_asker_) witness_asker_->Stop();
  const bool all = api_->Drain(config_.drain);
  everyday_.Stop();
  long_calls_.Stop();
  open_.Stop();
  if (sealing_) sealing_->Stop();
  admin_->Drain(milliseconds(100));
  log_.Write(all ? Level::kInfo : Level::kWarning,
             all ? "stopped: all requests were answered" : "stopped: some requests were cut off");
}

}  // namespace bulla::service
