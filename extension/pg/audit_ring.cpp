#include "pg/audit_ring.h"

extern "C" {
#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"
}

#include "pg/settings.h"

namespace bulla {
namespace {

constexpr char kLockName[] = "bulla_audit";
// Places that only counts of what was lost can take: one for each of so many databases. Those of more databases
// at a time show in bulla.open_failures() alone.
constexpr int kPlacesForLosses = 16;

struct Entry {
  AuditEntry told;
  uint64 number;
  bool taken;
};

struct Ring {
  LWLock* lock;
  Latch* writer;
  uint64 next_number;
  int64 lost;
  int used;
  Entry entries[FLEXIBLE_ARRAY_MEMBER];
};

Ring* ring = nullptr;
shmem_request_hook_type previous_request_hook = nullptr;
shmem_startup_hook_type previous_startup_hook = nullptr;

Size RingSize() { return offsetof(Ring, entries) + sizeof(Entry) * static_cast<Size>(EntryRoom()); }

void RequestMemory() {
  if (previous_request_hook != nullptr) previous_request_hook();
  RequestAddinShmemSpace(RingSize());
  RequestNamedLWLockTranche(kLockName, 1);
}

void AttachMemory() {
  if (previous_startup_hook != nullptr) previous_startup_hook();
  bool found;
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  ring = static_cast<Ring*>(ShmemInitStruct("bulla audit", RingSize(), &found));
  if (!found) {
    memset(static_cast<void*>(ring), 0, RingSize());
    ring->lock = &GetNamedLWLockTranche(kLockName)->lock;
  }
  LWLockRelease(AddinShmemInitLock);
}

// An LWLock holds interrupts back while it is held, and nothing in between raises.
class Locked {
 public:
  explicit Locked(LWLockMode mode) noexcept { LWLockAcquire(ring->lock, mode); }
  ~Locked() { LWLockRelease(ring->lock); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
};

Entry* FindOpen(const AuditEntry& told) noexcept {
  for (int i = ring->used - 1; i >= 0; --i) {
    Entry* const entry = &ring->entries[i];
    if (entry->taken || !IsSame(entry->told, told)) continue;
    // Losses are one count however long they wait: of them there is always room for one more.
    const bool open =
        told.act == Act::kLost || told.first_at - entry->told.first_at < USECS_PER_SEC;
    if (open) return entry;
  }
  return nullptr;
}

// Whether it is a new entry.
bool Put(const AuditEntry& told, int room) noexcept {
  if (Entry* const same = FindOpen(told)) {
    Count(told, &same->told);
    return false;
  }
  if (ring->used >= room) return false;
  ring->entries[ring->used++] = {told, ring->next_number++, false};
  return true;
}

void PutLoss(const AuditEntry& told) noexcept {
  AuditEntry loss = {};
  loss.database = told.database;
  loss.act = Act::kLost;
  loss.first_at = told.first_at;
  loss.last_at = told.last_at;
  loss.count = told.count;
  ring->lost += told.count;
  Put(loss, EntryRoom());
}

}  // namespace

int EntryRoom() noexcept { return audit_ring_size + kPlacesForLosses; }

void ReserveAuditRing() {
  previous_request_hook = shmem_request_hook;
  shmem_request_hook = RequestMemory;
  previous_startup_hook = shmem_startup_hook;
  shmem_startup_hook = AttachMemory;
}

Kept KeepEntry(const AuditEntry& told) noexcept {
  // On a standby nobody writes before it is promoted.
  if (ring == nullptr || RecoveryInProgress()) return {false, false};
  Latch* writer = nullptr;
  bool full = false;
  {
    const Locked locked(LW_EXCLUSIVE);
    writer = ring->writer;
    full = ring->used >= audit_ring_size && FindOpen(told) == nullptr;
    if (full)
      PutLoss(told);
    else
      Put(told, audit_ring_size);
  }
  if (writer != nullptr) SetLatch(writer);
  return {!full, writer != nullptr};
}

void SetAuditWriter(Latch* latch) noexcept {
  const Locked locked(LW_EXCLUSIVE);
  ring->writer = latch;
}

int WaitingDatabases(WaitingDatabase* found, int room) noexcept {
  const Locked locked(LW_SHARED);
  int count = 0;
  for (int i = 0; i < ring->used; ++i) {
    const Entry& entry = ring->entries[i];
    int at = 0;
    while (at < count && found[at].database != entry.told.database) ++at;
    if (at == room) continue;  // its turn comes when others are done
    if (at == count) found[count++] = {entry.told.database, entry.number, entry.told.first_at};
  }
  return count;
}

bool IsCrowded() noexcept {
  const Locked locked(LW_SHARED);
  return ring->used * 2 > audit_ring_size;
}

int TakeEntries(Oid database, AuditEntry* taken, int room) noexcept {
  const Locked locked(LW_EXCLUSIVE);
  int count = 0;
  for (int i = 0; i < ring->used && count < room; ++i) {
    Entry* const entry = &ring->entries[i];
    if (entry->told.database != database) continue;
    entry->taken = true;
    taken[count++] = entry->told;
  }
  return count;
}

void DropTaken(Oid database) noexcept {
  const Locked locked(LW_EXCLUSIVE);
  int kept = 0;
  for (int i = 0; i < ring->used; ++i) {
    const Entry& entry = ring->entries[i];
    if (entry.taken && entry.told.database == database) continue;
    if (kept != i) ring->entries[kept] = entry;
    ++kept;
  }
  ring->used = kept;
}

int64 EntriesWaiting(Oid database) noexcept {
  if (ring == nullptr) return 0;
  const Locked locked(LW_SHARED);
  int64 waiting = 0;
  for (int i = 0; i < ring->used; ++i) {
    if (ring->entries[i].told.database == database) ++waiting;
  }
  return waiting;
}

int64 EntriesLost() noexcept {
  if (ring == nullptr) return 0;
  const Locked locked(LW_SHARED);
  return ring->lost;
}

}  // namespace bulla
