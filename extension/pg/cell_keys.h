// What the protection of columns asks of the tables of keys.
#pragma once

extern "C" {
#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/uuid.h"
}

#include <string_view>

#include "core/key_version.h"

namespace bulla {

// The name that a key has now, palloc'd; nullptr where it is not in this database.
const char* NameOfKey(const pg_uuid_t& key);

// The id of a key of purpose encrypt. Raises undefined_object, or wrong_object_type.
pg_uuid_t EncryptionKeyOfName(const char* name);

// The state of a version in this database, palloc'd, nullptr where it is not there, and its key.
const char* StateOfVersion(const VersionId& version, pg_uuid_t* key);

// The ids of all destroyed versions in this database, of Bytes*, palloc'd.
List* DestroyedVersions();

// The version that sealed a well-formed sealed text, or bytea.
VersionId VersionOfSealed(std::string_view value, bool bytes);

}  // namespace bulla
