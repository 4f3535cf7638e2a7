// Taking new rows of a chain into its tree.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "pg/log_chain.h"
#include "pg/log_rows.h"
#include "pg/published_notes.h"

namespace bulla {

struct SealedChain {
  int64 size;
  bool grew;
};

// Whoever calls it holds the seal lock of the ledger, and commits durably (pg/transaction_events.h): the checkpoint
// that it stores must not leave the database before. Raises data_corrupted where a row is missing. Opens the
// ledger's epoch where the chain is not in it yet.
SealedChain SealChain(const LogChain& chain, const LogRow& log);

// Opens the ledger's epoch for a chain that is not in it: makes a tree of what is there, up to the first row that is
// missing, signs it, and records ledger.restored. Conditions as above. Returns whether something that was published
// is not in it, as far as the last tree that is known here and these checkpoints, a list of PublishedNote*, tell.
bool OpenEpoch(const LogChain& chain, const LogRow& log, List* published);

// For rows that are to go: raises object_not_in_prerequisite_state where the log has a name and this row is in no tree
// yet, which could not be made without it.
void RequireSealed(Oid ledger, const char* chain, int64 seq);

}  // namespace bulla
