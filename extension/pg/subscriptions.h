// Ledgers that receive their rows from another server, by logical replication.
#pragma once

extern "C" {
#include "postgres.h"
}

namespace bulla {

// A subscription that brings rows to this ledger, to a partition of it, or to a table that it is a partition
// of, also while it is disabled; InvalidOid where there is none. Changes arrive as invalidations of the
// SUBSCRIPTIONRELMAP cache.
Oid SubscriptionOf(Oid ledger);

// Raises object_not_in_prerequisite_state: rows of the publisher's chain may follow, so that a row appended here
// would fork it.
[[noreturn]] void RaiseSubscribed(const char* ledger, Oid subscription);

}  // namespace bulla
