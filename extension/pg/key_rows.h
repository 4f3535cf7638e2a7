// Keys as the tables bulla.key_names and bulla.key_versions hold them: nothing secret in the clear.
#pragma once

extern "C" {
#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/uuid.h"
}

#include "core/data_key.h"
#include "core/key_version.h"
#include "pg/key_access.h"
#include "pg/key_tables.h"

namespace bulla {

// A version of a key with what bulla.key_names says of the key, palloc'd.
struct KeyRow {
  bool found;
  const char* name;
  const char* purpose;
  const char* algorithm;
  bool audited;  // bulla.set_key_audit
  pg_uuid_t key_id;
  int32 version;
  const char* state;
  Bytes version_id;
  Bytes commitment;
  const char* kek_id;
  List* keks;  // const char*: every KEK that ever wrapped it
  Bytes wrapped;
  bool must_rotate;  // before anything is sealed
};

KeyId IdOfKey(const KeyRow& row);
VersionId IdOfVersion(const KeyRow& row);

// Whether it was found, and may seal and open.
bool IsEnabled(const KeyRow& row);

// What a row says, parsed, for inside Enter: kInvalidArgument or kCorrupt where somebody changed the tables.
Result<KeyVersion> DescriptionOf(const KeyRow& row);
Result<Commitment> CommitmentOf(const KeyRow& row);

// The key's highest enabled version. Raises undefined_object where there is no such key, what RequireUse
// raises, and then object_not_in_prerequisite_state where no version of it is enabled.
KeyRow ReadPrimary(const char* key_name, Use use);

// An enabled version by its id. Raises as above.
KeyRow ReadVersionById(const VersionId& version, Use use);

// A version by its id whatever its state; found is false where there is none.
KeyRow FindVersion(const VersionId& version);

// What is known of a key by its id, and of no version; false where there is none.
bool FindKey(const KeyId& id, KeyRow* key);

// What is known of a key that is to be changed; what is a version's stays empty. Nobody else changes it before
// the end of this transaction: whoever does already is waited for. Raises undefined_object.
KeyRow LockKey(const char* key_name);
// The same by its id; false where it is gone.
bool LockKeyById(const pg_uuid_t& key_id, KeyRow* key);

// Every version of it, as KeyRow*, in their order.
List* ReadVersions(const KeyRow& key);

// The ids of all keys, pg_uuid_t*, that have a version whose key bytes are not wrapped under this KEK.
List* KeysNotUnder(const char* kek_id);

// The ids of all keys of an algorithm, pg_uuid_t*.
List* KeysOfAlgorithm(std::string_view algorithm);

// The version with this number. Raises undefined_object.
const KeyRow* VersionNumbered(const KeyRow& key, int32 version);

}  // namespace bulla
