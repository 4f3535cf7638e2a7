#include "pg/busy_hint.h"

extern "C" {
#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
}

namespace bulla {
namespace {

constexpr uint32 kPlaces = 1024;

constexpr uint32 kMaxAskers = 2;

// How many transactions hold, and how many ask for, a lock that falls on the place. A cache line each:
// waiters of one chain must not slow those of another.
struct Place {
  pg_atomic_uint32 holders;
  pg_atomic_uint32 askers;
  char padding[PG_CACHE_LINE_SIZE - 2 * sizeof(pg_atomic_uint32)];
};

Place* places = nullptr;
Place* asked = nullptr;  // where this backend asks just now
shmem_request_hook_type previous_request_hook = nullptr;
shmem_startup_hook_type previous_startup_hook = nullptr;

void RequestMemory() {
  if (previous_request_hook != nullptr) previous_request_hook();
  RequestAddinShmemSpace(sizeof(Place) * kPlaces);
}

void AttachMemory() {
  if (previous_startup_hook != nullptr) previous_startup_hook();
  bool found;
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  places =
      static_cast<Place*>(ShmemInitStruct("bulla busy chains", sizeof(Place) * kPlaces, &found));
  for (uint32 i = 0; !found && i < kPlaces; ++i) {
    pg_atomic_init_u32(&places[i].holders, 0);
    pg_atomic_init_u32(&places[i].askers, 0);
  }
  LWLockRelease(AddinShmemInitLock);
}

Place* PlaceOf(const LOCKTAG& tag) {
  return &places[hash_bytes(reinterpret_cast<const unsigned char*>(&tag), sizeof tag) % kPlaces];
}

// A backend that is terminated while it asks runs no destructor.
void StopAskingAtExit(int, Datum) { StopAsking(); }

}  // namespace

void ReserveBusyHints() {
  previous_request_hook = shmem_request_hook;
  shmem_request_hook = RequestMemory;
  previous_startup_hook = shmem_startup_hook;
  shmem_startup_hook = AttachMemory;
}

bool HasBusyHints() noexcept { return places != nullptr; }

bool LooksBusy(const LOCKTAG& tag) noexcept {
  return places != nullptr && pg_atomic_read_u32(&PlaceOf(tag)->holders) != 0;
}

bool StartAsking(const LOCKTAG& tag) noexcept {
  if (places == nullptr) return true;
  if (pg_atomic_fetch_add_u32(&PlaceOf(tag)->askers, 1) >= kMaxAskers) {
    pg_atomic_fetch_sub_u32(&PlaceOf(tag)->askers, 1);
    return false;
  }
  static bool watching = false;
  if (!watching) before_shmem_exit(StopAskingAtExit, Datum{0});
  watching = true;
  asked = PlaceOf(tag);
  return true;
}

void StopAsking() noexcept {
  if (asked != nullptr) pg_atomic_fetch_sub_u32(&asked->askers, 1);
  asked = nullptr;
}

void MarkBusy(const LOCKTAG& tag) noexcept {
  if (places != nullptr) pg_atomic_fetch_add_u32(&PlaceOf(tag)->holders, 1);
}

void MarkFree(const LOCKTAG& tag) noexcept {
  if (places != nullptr) pg_atomic_fetch_sub_u32(&PlaceOf(tag)->holders, 1);
}

}  // namespace bulla
