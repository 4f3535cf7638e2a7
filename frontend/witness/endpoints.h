// The witness over HTTP: C2SP tlog-witness for logs and monitors; metrics and health for who runs it.
#pragma once

#include <atomic>

#include "http/router.h"
#include "service/metrics.h"
#include "witness/witness.h"

namespace bulla::witness {

// POST /add-checkpoint, GET /{log}/checkpoint, GET /health. For logs and monitors.
void AddEndpoints(http::Router& router, Witness& witness);

// GET /health/live; GET /health/ready: 503 while it drains, could not write last time, or has a wrong clock; GET /metrics.
void AddAdministration(http::Router& router, const Witness& witness,
                       const std::atomic<bool>& draining, const service::Metrics& metrics);

// Every route of both.
std::vector<std::string> Routes();

void AddGauges(service::Metrics& metrics, const Witness& witness, const EvidenceStore& evidence,
               const Publisher& publisher);

}  // namespace bulla::witness
