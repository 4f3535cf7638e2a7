// The chains of a ledger and their last rows, found by going from chain to chain in the head index of each
// partition: one look-up per chain and partition that has it, however many rows there are.
#pragma once

extern "C" {
#include "postgres.h"
#include "executor/tuptable.h"
#include "utils/snapshot.h"
}

#include <map>
#include <string>

#include "core/chain_tail.h"
#include "pg/ledger_relation.h"

namespace bulla {

// By the chain's name. A row without a valid seq or hash is no head.
struct ChainHeads {
  std::map<std::string, ChainHead> by_name;
};

// In the current memory context. Can be cancelled; raises object_not_in_prerequisite_state where a
// partition has no head index. Rows that it comes across at the ends of chains and that are no heads, having
// no chain, no seq or no hash, are handed to `other`, where that is given.
using OtherRow = void (*)(LedgerRelation* leaf, TupleTableSlot* row, void* state);
ChainHeads* ReadChainHeads(Oid root, Snapshot snapshot, OtherRow other = nullptr,
                           void* state = nullptr);

}  // namespace bulla
