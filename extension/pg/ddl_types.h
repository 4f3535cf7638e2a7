// What the event triggers refuse on a type: a change after which values that a ledger has hashed print
// differently, or mean something else.
#pragma once

extern "C" {
#include "postgres.h"
#include "utils/snapshot.h"
}

namespace bulla {

// Raises object_not_in_prerequisite_state where the command renamed a value of an enum, or changed the
// attributes of a composite type, and a ledger has a column of that type, or of one made of it; or where a
// domain is NOT NULL and an erasable column has it. `before` is BeforeThisCommand().
void JudgeType(Oid type, Snapshot before);

}  // namespace bulla
