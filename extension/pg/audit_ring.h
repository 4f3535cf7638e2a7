// Uses of keys and refusals that wait in shared memory to become events, when the library is preloaded: there no
// ROLLBACK undoes them. Bounded; what finds no room is counted, and that count becomes an event too. Gone when
// the server crashes.
#pragma once

extern "C" {
#include "postgres.h"
#include "storage/latch.h"
}

#include "pg/audit_entry.h"

namespace bulla {

// While the library is preloaded: asks for the memory.
void ReserveAuditRing();

struct Kept {
  bool in_ring;  // there was room
  bool awaited;  // by somebody who writes what is there
};

// Keeps an entry, as part of an equal one that is not a second old where there is one, and wakes who writes.
// Neither is true where there is no ring, or on a standby. Allocates and raises nothing.
Kept KeepEntry(const AuditEntry& told) noexcept;

// For the workers (pg/audit_workers.h).

// Whose latch is set when something is kept; nullptr for nobody's.
void SetAuditWriter(Latch* latch) noexcept;

// A database for which something waits: its oldest entry's number and time.
struct WaitingDatabase {
  Oid database;
  uint64 oldest;
  TimestampTz since;
};
int WaitingDatabases(WaitingDatabase* found, int room) noexcept;

// Whether there will soon be no room.
bool IsCrowded() noexcept;

// Copies what waits for a database, at most `room`, of which nothing is counted further. DropTaken forgets it.
int TakeEntries(Oid database, AuditEntry* taken, int room) noexcept;
void DropTaken(Oid database) noexcept;

// The most that can wait, and how many of a database's do.
int EntryRoom() noexcept;
int64 EntriesWaiting(Oid database) noexcept;

// Those that found no room since the server started, in any database.
int64 EntriesLost() noexcept;

}  // namespace bulla
