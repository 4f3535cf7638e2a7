#include "pg/refusal_ring.h"

extern "C" {
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"
}

#include "pg/settings.h"

namespace bulla {
namespace {

constexpr char kLockName[] = "bulla_refusals";
// Places that only counts of what was lost can take: one for each of so many databases. Those of more databases
// at a time show in bulla.open_failures() alone.
constexpr int kPlacesForLosses = 16;

struct Entry {
  Refusal refusal;
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

Size RingSize() {
  return offsetof(Ring, entries) + sizeof(Entry) * static_cast<Size>(RefusalRoom());
}

void RequestMemory() {
  if (previous_request_hook != nullptr) previous_request_hook();
  RequestAddinShmemSpace(RingSize());
  RequestNamedLWLockTranche(kLockName, 1);
}

void AttachMemory() {
  if (previous_startup_hook != nullptr) previous_startup_hook();
  bool found;
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  ring = static_cast<Ring*>(ShmemInitStruct("bulla refusals", RingSize(), &found));
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

Entry* FindOpen(const Refusal& refusal) noexcept {
  for (int i = ring->used - 1; i >= 0; --i) {
    Entry* const entry = &ring->entries[i];
    if (entry->taken || !IsSame(entry->refusal, refusal)) continue;
    // Losses are one count however long they wait: of them there is always room for one more.
    const bool open =
        refusal.why == Why::kLost || refusal.first_at - entry->refusal.first_at < USECS_PER_SEC;
    if (open) return entry;
  }
  return nullptr;
}

// Whether it is a new entry.
bool Put(const Refusal& refusal, int room) noexcept {
  if (Entry* const same = FindOpen(refusal)) {
    Count(refusal, &same->refusal);
    return false;
  }
  if (ring->used >= room) return false;
  ring->entries[ring->used++] = {refusal, ring->next_number++, false};
  return true;
}

void PutLoss(const Refusal& refusal) noexcept {
  Refusal loss = {};
  loss.database = refusal.database;
  loss.why = Why::kLost;
  loss.first_at = refusal.first_at;
  loss.last_at = refusal.last_at;
  loss.count = refusal.count;
  ring->lost += refusal.count;
  Put(loss, RefusalRoom());
}

}  // namespace

int RefusalRoom() noexcept { return refusal_ring_size + kPlacesForLosses; }

void ReserveRefusalRing() {
  previous_request_hook = shmem_request_hook;
  shmem_request_hook = RequestMemory;
  previous_startup_hook = shmem_startup_hook;
  shmem_startup_hook = AttachMemory;
}

bool KeepRefusal(const Refusal& refusal) noexcept {
  if (ring == nullptr) return false;
  Latch* writer = nullptr;
  {
    const Locked locked(LW_EXCLUSIVE);
    writer = ring->writer;
    const bool full = ring->used >= refusal_ring_size && FindOpen(refusal) == nullptr;
    if (full)
      PutLoss(refusal);
    else
      Put(refusal, refusal_ring_size);
  }
  if (writer != nullptr) SetLatch(writer);
  return writer != nullptr;
}

void SetRefusalWriter(Latch* latch) noexcept {
  const Locked locked(LW_EXCLUSIVE);
  ring->writer = latch;
}

int WaitingDatabases(WaitingDatabase* found, int room) noexcept {
  const Locked locked(LW_SHARED);
  int count = 0;
  for (int i = 0; i < ring->used; ++i) {
    const Entry& entry = ring->entries[i];
    int at = 0;
    while (at < count && found[at].database != entry.refusal.database) ++at;
    if (at == room) continue;  // its turn comes when others are done
    if (at == count)
      found[count++] = {entry.refusal.database, entry.number, entry.refusal.first_at};
  }
  return count;
}

int TakeRefusals(Oid database, Refusal* taken, int room) noexcept {
  const Locked locked(LW_EXCLUSIVE);
  int count = 0;
  for (int i = 0; i < ring->used && count < room; ++i) {
    Entry* const entry = &ring->entries[i];
    if (entry->refusal.database != database) continue;
    entry->taken = true;
    taken[count++] = entry->refusal;
  }
  return count;
}

void DropTaken(Oid database) noexcept {
  const Locked locked(LW_EXCLUSIVE);
  int kept = 0;
  for (int i = 0; i < ring->used; ++i) {
    const Entry& entry = ring->entries[i];
    if (entry.taken && entry.refusal.database == database) continue;
    if (kept != i) ring->entries[kept] = entry;
    ++kept;
  }
  ring->used = kept;
}

int64 RefusalsWaiting(Oid database) noexcept {
  if (ring == nullptr) return 0;
  const Locked locked(LW_SHARED);
  int64 waiting = 0;
  for (int i = 0; i < ring->used; ++i) {
    if (ring->entries[i].refusal.database == database) ++waiting;
  }
  return waiting;
}

int64 RefusalsLost() noexcept {
  if (ring == nullptr) return 0;
  const Locked locked(LW_SHARED);
  return ring->lost;
}

}  // namespace bulla
