// What a chain has in common with an older tree of it, after rows were lost.
#pragma once

#include "pg/log_chain.h"
#include "pg/log_rows.h"

namespace bulla {

// How many leaves at the beginning of the tree are those of the rows that are there now; rows that went by a recorded
// boundary count as there. Looks at a few rows only: chains that have parted stay apart. 0 where the tree's tiles
// are not its own. As the active snapshot sees the rows.
TreeSize CommonLeaves(const LogChain& chain, const TreeRow& tree);

}  // namespace bulla
