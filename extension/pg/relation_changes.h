// Being told that a relation, or the catalogue's view of it, has changed. PostgreSQL has ten places per backend for
// callbacks of this kind, for everybody: one is enough for all of Bulla.
#pragma once

extern "C" {
#include "postgres.h"
#include "utils/inval.h"
}

namespace bulla {

// Has `call` called with the argument and the relation's oid, InvalidOid for all relations, for the rest of the
// backend's life: whenever invalidations are accepted, so it must not raise.
void ListenForRelationChanges(RelcacheCallbackFunction call, Datum argument);

}  // namespace bulla
