// A log as it is served: found by its origin, for who may see it.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "pg/log_rows.h"

namespace bulla {

struct ServedLog {
  Oid ledger;
  TreeRow tree;
};

// The tree of an origin, of whatever epoch. What begins with a slash is an origin without its host, as the path of a
// URL has it. Raises no_data_found where there is none, where its ledger is gone, and where the caller may not read
// all of the ledger: who may not see it does not learn that it is there. bulla.heads is for everybody.
ServedLog FindServedLog(const char* origin);

// What was read of this tree is durable when it returns, as with ConfirmWhatWasRead. Sizes are confirmed once by a
// backend: tiles that do not change cost no wait.
void ConfirmTree(const TreeRow& tree);

}  // namespace bulla
