// Refusals that wait in shared memory to become events, when the library is preloaded: there no ROLLBACK
// undoes them. Bounded; what finds no room is counted, and that count becomes an event too. Gone when the
// server crashes.
#pragma once

extern "C" {
#include "postgres.h"
#include "storage/latch.h"
}

#include "pg/refusal.h"

namespace bulla {

// While the library is preloaded: asks for the memory.
void ReserveRefusalRing();

// Keeps a refusal, as part of an equal one that is not a second old where there is one, and wakes who writes.
// False where there is no ring, or nobody just now who would write what is in it. Allocates and raises nothing.
bool KeepRefusal(const Refusal& refusal) noexcept;

// For the workers (pg/refusal_workers.h).

// Whose latch is set when something is kept; nullptr for nobody's.
void SetRefusalWriter(Latch* latch) noexcept;

// A database for which something waits: its oldest entry's number and time.
struct WaitingDatabase {
  Oid database;
  uint64 oldest;
  TimestampTz since;
};
int WaitingDatabases(WaitingDatabase* found, int room) noexcept;

// Copies what waits for a database, at most `room`, of which nothing is counted further. DropTaken forgets it.
int TakeRefusals(Oid database, Refusal* taken, int room) noexcept;
void DropTaken(Oid database) noexcept;

// The most that can wait, and how many of a database's do.
int RefusalRoom() noexcept;
int64 RefusalsWaiting(Oid database) noexcept;

// Those that found no room since the server started, in any database.
int64 RefusalsLost() noexcept;

}  // namespace bulla
