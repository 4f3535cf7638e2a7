// Keys as the tables bulla.key_names and bulla.key_versions hold them: nothing secret in the clear.
#pragma once

extern "C" {
#include "postgres.h"
#include "utils/uuid.h"
}

#include "core/data_key.h"
#include "core/key_version.h"
#include "pg/key_tables.h"

namespace bulla {

// A version of a key with what bulla.key_names says of the key, palloc'd.
struct KeyRow {
  bool found;
  const char* name;
  const char* purpose;
  const char* algorithm;
  pg_uuid_t key_id;
  int32 version;
  const char* state;
  Bytes version_id;
  Bytes commitment;
  Bytes wrapped;
};

// The key's highest enabled version. Raises undefined_object where there is no such key,
// object_not_in_prerequisite_state where no version of it is enabled.
KeyRow ReadPrimary(const char* key_name);

// An enabled version by its id. Raises as above.
KeyRow ReadVersionById(const VersionId& version);

// Adds an enabled version, needing no rights of the caller. It is written without a plan: plans hold
// constants, and debugging settings print plans into logs that outlive a destroyed key. Raises what
// NoteKek raises.
struct NewVersion {
  KeyId key;
  int32 version;
  Commitment commitment;
  const char* kek_id;
  Bytes wrapped;
};
void InsertVersion(const NewVersion& version);

}  // namespace bulla
