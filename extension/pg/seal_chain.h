// Taking new rows of a chain into its tree.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "pg/log_chain.h"
#include "pg/log_rows.h"

namespace bulla {

struct SealedChain {
  int64 size;
  bool grew;
};

// Whoever calls it holds the seal lock of the ledger, and commits durably (pg/transaction_events.h): the checkpoint
// that it stores must not leave the database before. Raises data_corrupted where a row is missing.
SealedChain SealChain(const LogChain& chain, const LogRow& log);

}  // namespace bulla
