// Whether a chain is locked just now, as a guess from shared memory when the library is preloaded. Asking
// the lock manager costs a lock of its own, which crowds of waiters would fight for; looking here costs
// one read. Chains may share a place: a guess can be wrong either way, and nothing depends on it but how
// long somebody waits before asking.
#pragma once

extern "C" {
#include "postgres.h"
#include "storage/lock.h"
}

namespace bulla {

// While the library is preloaded: asks for the memory.
void ReserveBusyHints();

// Whether there is shared memory to look at. Where there is not, nothing looks busy.
bool HasBusyHints() noexcept;
bool LooksBusy(const LOCKTAG& tag) noexcept;

// Whether the caller may ask for the lock over and over: a few at a time may, as each takes time from
// the holder's core. Where it is true StopAsking follows. Always true where there is no shared memory.
bool StartAsking(const LOCKTAG& tag) noexcept;
void StopAsking() noexcept;

// Each MarkBusy is followed by one MarkFree when the holder lets go, however its transaction ends.
void MarkBusy(const LOCKTAG& tag) noexcept;
void MarkFree(const LOCKTAG& tag) noexcept;

}  // namespace bulla
