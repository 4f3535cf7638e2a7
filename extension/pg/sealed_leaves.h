// What was sealed of a ledger, to compare its rows with: a row whose hash is not the one that its tree has was rewritten
// since.
#pragma once

extern "C" {
#include "postgres.h"
}

#include <string>

#include "pg/log_rows.h"

namespace bulla {

struct SealedLeaves;

// The trees of a ledger, in the current memory context. Who looks for rows that are gone calls
// it before taking the snapshot of the rows.
SealedLeaves* ReadSealedLeaves(const LedgerId& ledger);

// The same of a table; nullptr for a part that was detached, which has the ledger's id and some of its rows.
SealedLeaves* SealedLeavesOf(Oid ledger);

// The hash that the chain's tree has in the place of this row, valid until the next call; nullptr where it has none.
const NodeHash* SealedHash(SealedLeaves* sealed, const std::string& chain, int64 seq);

// Whether the chain was sealed.
bool IsSealed(const SealedLeaves* sealed, const std::string& chain);

// Calls `found` with each tree, its texts valid as long as the memory context.
void EachSealedTree(const SealedLeaves* sealed, void (*found)(const TreeRow& tree, void* state),
                    void* state);

}  // namespace bulla
