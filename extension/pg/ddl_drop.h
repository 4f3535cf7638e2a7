// What the event triggers refuse of what a command has dropped.
#pragma once

extern "C" {
#include "postgres.h"
#include "utils/snapshot.h"
}

namespace bulla {

// One row of pg_event_trigger_dropped_objects(). Raises object_not_in_prerequisite_state where a ledger,
// a part of one, or what it needs is gone. `before` is BeforeThisCommand().
void JudgeDropped(Oid catalog, Oid object, int column, Snapshot before);

}  // namespace bulla
