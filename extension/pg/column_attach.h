// What may become a partition of a table with protected columns.
#pragma once

extern "C" {
#include "postgres.h"
#include "utils/snapshot.h"
}

namespace bulla {

// Raises object_not_in_prerequisite_state where a table that a command has made a partition of this one has values
// of a protected column that are not sealed, which no trigger has seen, or a protection of its own. Reads the
// whole of it. `before` is BeforeThisCommand().
void JudgeNewPartitions(Oid table, Snapshot before);

}  // namespace bulla
