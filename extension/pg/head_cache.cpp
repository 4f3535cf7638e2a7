#include "pg/head_cache.h"

extern "C" {
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "storage/spin.h"
}

#include "pg/settings.h"

namespace bulla {
namespace {

constexpr int kWays = 4;  // chains whose identities hash alike and still find room

struct Entry {
  bool used;
  uint32 last_use;  // of the set's clock
  ChainIdentity chain;
  ChainHead head;
};

// A spinlock is enough: nothing is done under it but comparing and copying one of four entries.
struct Set {
  slock_t lock;
  uint32 clock;
  Entry entries[kWays];
};

Set* sets = nullptr;
uint32 set_count = 0;
shmem_request_hook_type previous_request_hook = nullptr;
shmem_startup_hook_type previous_startup_hook = nullptr;

uint32 SetCount() { return static_cast<uint32>((head_cache_size + kWays - 1) / kWays); }

void RequestMemory() {
  if (previous_request_hook != nullptr) previous_request_hook();
  RequestAddinShmemSpace(sizeof(Set) * SetCount());
}

void AttachMemory() {
  if (previous_startup_hook != nullptr) previous_startup_hook();
  bool found;
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  sets = static_cast<Set*>(ShmemInitStruct("bulla heads", sizeof(Set) * SetCount(), &found));
  set_count = SetCount();
  for (uint32 i = 0; !found && i < set_count; ++i) {
    memset(static_cast<void*>(&sets[i]), 0, sizeof(Set));
    SpinLockInit(&sets[i].lock);
  }
  LWLockRelease(AddinShmemInitLock);
}

bool Same(const ChainIdentity& a, const ChainIdentity& b) { return memcmp(&a, &b, sizeof a) == 0; }

Set* SetOf(const ChainIdentity& chain) {
  const auto* const bytes = reinterpret_cast<const unsigned char*>(&chain);
  return &sets[hash_bytes(bytes, sizeof chain) % set_count];
}

}  // namespace

void ReserveHeadCache() {
  previous_request_hook = shmem_request_hook;
  shmem_request_hook = RequestMemory;
  previous_startup_hook = shmem_startup_hook;
  shmem_startup_hook = AttachMemory;
}

bool FindCachedHead(const ChainIdentity& chain, ChainHead* head) noexcept {
  if (sets == nullptr) return false;
  Set* const set = SetOf(chain);
  bool found = false;
  SpinLockAcquire(&set->lock);
  for (Entry& entry : set->entries) {
    if (!entry.used || !Same(entry.chain, chain)) continue;
    *head = entry.head;
    entry.last_use = ++set->clock;
    found = true;
  }
  SpinLockRelease(&set->lock);
  return found;
}

void CacheHead(const ChainIdentity& chain, const ChainHead& head) noexcept {
  if (sets == nullptr) return;
  Set* const set = SetOf(chain);
  SpinLockAcquire(&set->lock);
  Entry* place = nullptr;  // the chain's own entry, else a free one, else the one longest unused
  for (Entry& entry : set->entries) {
    if (entry.used && Same(entry.chain, chain)) {
      place = &entry;
      break;
    }
    if (place == nullptr || (place->used && (!entry.used || entry.last_use < place->last_use)))
      place = &entry;
  }
  *place = {true, ++set->clock, chain, head};
  SpinLockRelease(&set->lock);
}

void DropCachedHead(const ChainIdentity& chain) noexcept {
  if (sets == nullptr) return;
  Set* const set = SetOf(chain);
  SpinLockAcquire(&set->lock);
  for (Entry& entry : set->entries) {
    if (entry.used && Same(entry.chain, chain)) entry.used = false;
  }
  SpinLockRelease(&set->lock);
}

void DropCachedHeads(Oid database, Oid ledger) noexcept {
  for (uint32 i = 0; i < set_count; ++i) {
    Set* const set = &sets[i];
    SpinLockAcquire(&set->lock);
    for (Entry& entry : set->entries) {
      if (entry.chain.database == database && entry.chain.ledger == ledger) entry.used = false;
    }
    SpinLockRelease(&set->lock);
  }
}

}  // namespace bulla
