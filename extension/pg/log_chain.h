// A chain of a ledger as the log knows it.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "core/record.h"
#include "pg/ledger_relation.h"

namespace bulla {

struct LogChain {
  Oid ledger;
  LedgerId ledger_id;
  const char* name;  // as SQL names it, palloc'd
  ChainValues values;
  const char* chain_id;  // palloc'd
};

// Raises what DescribeWholeLedger and ChainOfName raise.
LogChain NameLogChain(Oid ledger, const char* name);

// The origin of a chain's checkpoints, palloc'd.
const char* OriginOf(const LogChain& chain, const char* log_name, int32 epoch);

// The epoch in which the chain is sealed: that of its ledger, or of its newest tree.
int32 EpochOf(const LogChain& chain);

}  // namespace bulla
