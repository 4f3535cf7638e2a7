// Puts the rows that a table already has into its new chains.
#pragma once

extern "C" {
#include "postgres.h"
#include "nodes/pg_list.h"
}

#include "core/chain_tail.h"

namespace bulla {

struct ChainedRows {
  const char* chain;  // its name
  ChainHead head;     // head.seq + 1 rows
};

// Chains all rows of a ledger in the order of its primary key: seq, prev_hash and hash are set where
// they stand, past every trigger. The caller holds an exclusive lock and has installed the triggers.
// Raises where there are rows but no primary key. Returns a list of ChainedRows*, one per chain.
List* ChainExistingRows(Oid ledger);

}  // namespace bulla
