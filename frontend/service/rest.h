// The REST operations, each a call of one SQL function.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "database/pool.h"
#include "http/exchange.h"
#include "http/router.h"
#include "service/log.h"
#include "service/operations.h"
#include "service/rate_limit.h"

namespace bulla::service {

// What a pool of either lane has to prepare: the operations in the order of their table, and then
// agentidp_api.verify_all($1), and what is used of the message budgets of keys: JSON, [[key, version,
// messages sealed or null, budget], ...] or null.
std::vector<std::string> PreparedStatements();
std::size_t VerifyAllStatement();
std::size_t KeyMessagesStatement();
std::size_t WitnessesToAskStatement();
std::size_t WitnessRequestStatement();
std::size_t AddCosignaturesStatement();

// A pool, and how long after its arrival a request may take there.
struct LanePool {
  database::Pool& pool;
  std::chrono::milliseconds deadline;
};

// Outlived by pools and log, and outlives whoever uses the router.
class Rest {
 public:
  Rest(LanePool everyday, LanePool long_calls, LanePool open, Log& log);

  void AddTo(http::Router& router);

 private:
  const LanePool& PoolFor(const Operation& operation) const;
  void Handle(std::size_t index, const std::shared_ptr<http::Exchange>& exchange,
              const http::Parameters& path);

  const LanePool everyday_;
  const LanePool long_calls_;
  const LanePool open_;
  Log& log_;
  std::vector<std::unique_ptr<RateLimit>> limits_;  // one per operation; nullptr: none
};

// The answer that an outcome stands for. What belongs into the log is logged.
http::Response AnswerTo(const Operation& operation, const std::string& request_id,
                        database::Outcome outcome, Log& log);

}  // namespace bulla::service
