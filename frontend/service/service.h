// Everything that lives while bullad serves.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "database/pool.h"
#include "http/router.h"
#include "http/server.h"
#include "service/config.h"
#include "service/health.h"
#include "service/key_messages.h"
#include "service/log.h"
#include "service/metrics.h"
#include "service/rest.h"
#include "service/sealer.h"
#include "service/verifier.h"
#include "service/witness_asker.h"

namespace bulla::service {

class Service {
 public:
  // Serves from here on, whether the database can be reached or not. Throws std::runtime_error with one
  // plain sentence where it cannot listen or a TLS file cannot be used.
  explicit Service(const Config& config);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // For connections from now on. Where the files cannot be used, that is logged and the old ones stay.
  void ReloadTls();

  // Lets the requests under way be answered, for as long as the configuration says, and stops.
  void Drain();

 private:
  http::ServerOptions ApiOptions();
  http::ServerOptions AdminOptions();
  void AddGauges();
  void AddVerifierGauges();
  void AddKeyGauges();
  void AddSealGauges();
  void AddWitnessGauges();
  void LogAddresses();
  void AddPoolGauges(const std::string& name, const database::Pool& pool, std::size_t connections);

  const Config config_;
  Log log_;
  Metrics metrics_;
  database::Pool everyday_;
  database::Pool long_calls_;
  database::Pool open_;
  // One connection that waits for nobody: where others are busy, ledgers are sealed all the same.
  std::optional<database::Pool> sealing_;
  Health health_{everyday_, long_calls_};
  Rest rest_;
  http::Router api_router_;
  http::Router admin_router_;
  std::optional<Verifier> verifier_;
  std::optional<KeyMessages> key_messages_;
  std::optional<Sealer> sealer_;
  std::optional<WitnessAsker> witness_asker_;
  std::optional<http::Server> api_;
  std::optional<http::Server> admin_;
};

}  // namespace bulla::service
