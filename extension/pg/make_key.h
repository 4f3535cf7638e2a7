// Making a key: its row, its first version, and the event that says so.
#pragma once

extern "C" {
#include "postgres.h"
#include "utils/uuid.h"
}

#include "core/key_version.h"

namespace bulla {

// Random key bytes, wrapped under the first KEK of bulla.kek; the current user is the creator. `algorithm` fits the
// purpose. Returns the id, palloc'd. Raises invalid_parameter_value for a name of no or too many bytes,
// duplicate_object, what emergency mode raises, and what MakeWrappedVersion raises.
pg_uuid_t* MakeKey(const char* name, Purpose purpose, Algorithm algorithm);

}  // namespace bulla
