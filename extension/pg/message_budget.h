// How many messages each version of an AES-256-GCM key has sealed. Its nonces are random and of 96 bits, which
// is safe for AesGcm::kMessageLimit messages under one key (NIST SP 800-38D, 8.3), over all backends.
//
// The count stands in a sequence per version, bulla.messages_<version id>, and is raised before messages are
// sealed, for a block of them at a time, and flushed. No rollback, crash or cancelled statement takes it back; a
// block that was not used up counts as sealed. A standby promoted without the last of its primary's log may have
// lost the end of the count, and a restored dump or backup has the count of its day: once a restore is recorded, no
// version that was there seals any more (RequireNewVersions).
#pragma once

extern "C" {
#include "postgres.h"
#include "nodes/pg_list.h"
}

#include "core/key_version.h"

namespace bulla {

// Makes the count of a new version. Needs no rights of the caller.
void MakeMessageCount(const VersionId& version);

// Whether a message may be sealed under the version now, and counts it. False where this backend's block is
// used up: ReserveMessages gets the next one.
bool TakeMessage(const VersionId& version) noexcept;

// Accepts invalidations: what keys this backend has may be another after it. Raises program_limit_exceeded where
// the version has sealed all it may, read_only_sql_transaction in a read-only transaction and on a standby,
// object_not_in_prerequisite_state where the count is not there. `key` is for messages.
void ReserveMessages(const VersionId& version, const char* key);

// What is counted; -1 where the version has no count.
int64 MessageCount(const VersionId& version);

// Forbids to seal to every version that is not destroyed, for good. Returns the names of keys that seal no more until they
// are rotated: const char*. Locks the keys.
List* RequireNewVersions();

}  // namespace bulla
