// What is written down of a value that was not opened. Small and of fixed size, so that it can be kept in
// shared memory; no value, context or key byte is in it.
#pragma once

extern "C" {
#include "postgres.h"
#include "datatype/timestamp.h"
}

#include "core/key_version.h"

namespace bulla {

// Why a value was not opened. kLost counts refusals for which there was no room.
enum class Why : uint8 {
  kNotGranted,
  kMalformed,
  kUnknownVersion,
  kDisabled,
  kDestroyed,
  kWrongPurpose,
  kUnavailable,
  kDoesNotOpen,
  kLost,
};

// As events say it: "not_granted", "does_not_open".
const char* Name(Why why);

struct Refusal {
  Oid database;
  NameData role;
  NameData session_role;
  bool has_key;
  bool has_version;
  KeyId key;
  VersionId version;
  Why why;
  TimestampTz first_at;
  TimestampTz last_at;
  int64 count;
};

// Whether both are told by one entry with a count. Version ids that are not in this database anybody can
// make up: they are all one, of which the first is kept.
bool IsSame(const Refusal& a, const Refusal& b) noexcept;

// Adds to an entry what is the same and came later.
void Count(const Refusal& later, Refusal* entry) noexcept;

// Queues the event of bulla.events that says it, in the database where it happened.
void RecordRefusal(const Refusal& refusal);

// Writes it into the server's log instead: one line, "bulla event: " and a JSON object, without the statement.
void LogRefusal(const Refusal& refusal);

}  // namespace bulla
