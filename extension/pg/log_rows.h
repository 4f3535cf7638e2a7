// The log of this database and its trees, as the tables bulla.log and bulla.trees hold them. Read with a snapshot taken
// now, and without rights of the caller.
#pragma once

extern "C" {
#include "postgres.h"
#include "utils/uuid.h"
}

#include "core/record.h"
#include "core/tree.h"
#include "pg/event_log.h"

namespace bulla {

// A server's place in the world: a copy of it has another one, but for a moment after a standby's promotion.
struct SigningPlace {
  int64 system_identifier;
  int64 timeline;
  Oid database;
  bool operator==(const SigningPlace&) const = default;
};
SigningPlace PlaceOfThisServer();
EventDetail DetailOfPlace(const SigningPlace& place);

struct LogRow {
  const char* name;  // palloc'd
  SigningPlace place;
};

// False where no log was named.
bool FindLog(LogRow* log);
// Raises object_not_in_prerequisite_state where there is none.
LogRow RequireLog();
// Also where the checkpoints are another server's to sign.
LogRow RequireLogToSign();
void InsertLog(const char* name);
// From here on this server signs.
void MoveLogHere();

// A tree: one chain of a ledger in one epoch.
struct TreeRow {
  pg_uuid_t id;
  pg_uuid_t tiles;  // which tiles: its own, by its id, or those that an earlier epoch began
  LedgerId ledger;
  const char* chain_id;  // palloc'd, as are all texts
  const char* chain;
  int32 epoch;
  const char* origin;
  TreeSize size;
  NodeHash root;
  const char* note;
  TreeSize common;  // its first leaves, which are those of the epoch before
};
Datum NewUuid();

// The tree of the chain's last epoch, or of this one; false where there is none.
inline constexpr int32 kLastEpoch = -1;
bool FindTree(const LedgerId& ledger, const char* chain_id, TreeRow* tree,
              int32 epoch = kLastEpoch);
// The tree of this origin, of whatever epoch.
bool FindTreeOfOrigin(const char* origin, TreeRow* tree);

// Adds it, or replaces size, root and note of the one with its origin. Whoever does holds the seal lock of the ledger
// (pg/chain_lock.h).
void InsertTree(const TreeRow& tree);
void UpdateTree(const TreeRow& tree);

// Calls `found` with each tree of a ledger: chain by chain, the epochs of each in their order.
void ReadTrees(const LedgerId& ledger, void (*found)(const TreeRow& tree, void* state),
               void* state);

}  // namespace bulla
