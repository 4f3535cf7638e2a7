// Entry bundles (C2SP tlog-tiles): the records of the rows under a tile.
#pragma once

#include "pg/served_log.h"

extern "C" {
#include "fmgr.h"
}

#include "core/tile.h"

namespace bulla {

// The bundle, palloc'd. The tile is of level 0, and the tree has it. No entry is given that its tile does not have the
// hash of. Raises no_data_found where rows were pruned, or lost before a restore that was recorded; data_corrupted where
// they are gone otherwise or not those that were sealed.
bytea* ReadEntries(const ServedLog& log, const Tile& tile);

}  // namespace bulla
