// What is written down of a use of a key, or of a refusal, where no rollback may undo it. Small and of fixed size,
// so that it can be kept in shared memory; no value, context or key byte is in it.
#pragma once

extern "C" {
#include "postgres.h"
#include "datatype/timestamp.h"
}

#include "core/key_version.h"

namespace bulla {

// What was done. The first two opened a value; then come the reasons why one was not opened; a code that does not
// end emergency mode; and kLost, which counts entries for which there was no room.
enum class Act : uint8 {
  kDecrypted,
  kOpenedInside,
  kNotGranted,
  kForbidden,
  kMalformed,
  kUnknownVersion,
  kDisabled,
  kDestroyed,
  kWrongPurpose,
  kUnavailable,
  kDoesNotOpen,
  kWrongCode,
  kLost,
};

// Of a bulla.actor these bytes are kept, less one.
inline constexpr int kActorRoom = 128;

struct AuditEntry {
  Oid database;
  NameData role;
  NameData session_role;
  bool has_key;
  bool has_version;
  KeyId key;
  VersionId version;
  Act act;
  TimestampTz first_at;
  TimestampTz last_at;
  int64 count;
  int64 attempt;  // of kWrongCode: which one it was
  // Of a use.
  NameData application;
  char actor[kActorRoom];
  TimestampTz statement_at;  // when the first statement began
  int64 statements;          // that began to use the key in this entry
};

bool IsUse(Act act) noexcept;

// One of now, by the current user, that counts once.
AuditEntry NewAuditEntry(Act act);

// Whether both are told by one entry with a count. What anybody can make up does not tell refusals apart: version
// ids that are not in this database are all one, of which the first is kept, and actors are those of uses alone.
bool IsSame(const AuditEntry& a, const AuditEntry& b) noexcept;

// Adds to an entry what is the same and came later.
void Count(const AuditEntry& later, AuditEntry* entry) noexcept;

// Queues the event of bulla.events that says it, in the database where it happened.
void RecordEntry(const AuditEntry& entry);

// Writes it into the server's log instead: one line, "bulla event: " and a JSON object, without the statement.
void LogEntry(const AuditEntry& entry);

}  // namespace bulla
