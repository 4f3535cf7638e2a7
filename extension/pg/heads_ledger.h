// bulla.heads: Bulla's own ledger of all trees. Its checkpoint alone covers the whole database.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "pg/log_chain.h"
#include "pg/log_rows.h"

namespace bulla {

// Queues a row for the end of this transaction: the tree has grown to what it says.
void RecordHead(const TreeRow& tree);

// The table; InvalidOid where it is not there. Its own trees are not recorded in it.
Oid HeadsLedger();

// Its chain. Makes it where it is not there.
LogChain HeadsChain();

}  // namespace bulla
