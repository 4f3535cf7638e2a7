#include "pg/keks.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

extern "C" {
#include "pgstat.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
}

#include "kms/system_random.h"
#include "pg/settings.h"
#include "pg/versions.h"

namespace bulla {
namespace {

// Whether CHECK_FOR_INTERRUPTS() would raise now. What is asked for while interrupts are held back waits
// for the deadline like everything else.
bool IsCancelled() {
  if (!InterruptPending || InterruptHoldoffCount != 0 || CritSectionCount != 0) return false;
  return ProcDiePending || ClientConnectionLost ||
         (QueryCancelPending && QueryCancelHoldoffCount == 0);
}

uint32 EventsOf(const pollfd& descriptor) {
  return ((descriptor.events & POLLIN) != 0 ? WL_SOCKET_READABLE : 0) |
         ((descriptor.events & POLLOUT) != 0 ? WL_SOCKET_WRITEABLE : 0);
}

// A set made for one wait: waits are few, and descriptors come and go between them.
void WaitOnce(std::span<pollfd> descriptors, long milliseconds) {
  WaitEventSet* const set = NewWaitEventSet(static_cast<int>(descriptors.size()) + 2);
  PG_TRY();
  {
    AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, nullptr);
    AddWaitEventToSet(set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, nullptr, nullptr);
    for (pollfd& descriptor : descriptors) {
      descriptor.revents = 0;
      AddWaitEventToSet(set, static_cast<int>(EventsOf(descriptor)), descriptor.fd, nullptr,
                        &descriptor);
    }
    WaitEvent occurred[8];
    const int count =
        WaitEventSetWait(set, milliseconds, occurred, lengthof(occurred), PG_WAIT_EXTENSION);
    for (int i = 0; i < count; ++i) {
      if ((occurred[i].events & WL_LATCH_SET) != 0) ResetLatch(MyLatch);
      auto* const descriptor = static_cast<pollfd*>(occurred[i].user_data);
      if (descriptor == nullptr) continue;
      if ((occurred[i].events & WL_SOCKET_READABLE) != 0) descriptor->revents |= POLLIN;
      if ((occurred[i].events & WL_SOCKET_WRITEABLE) != 0) descriptor->revents |= POLLOUT;
    }
  }
  PG_FINALLY();
  { FreeWaitEventSet(set); }
  PG_END_TRY();
}

bool AnyReady(std::span<const pollfd> descriptors) {
  for (const pollfd& descriptor : descriptors)
    if (descriptor.revents != 0) return true;
  return false;
}

struct OpenedKeks {
  std::string setting;
  std::unique_ptr<KekList> list;
};

}  // namespace

BackendWaiter::BackendWaiter() : Waiter(std::chrono::milliseconds(kek_timeout)) {}

Result<bool> BackendWaiter::Wait(std::span<pollfd> descriptors, std::chrono::milliseconds at_most) {
  const Clock::time_point until = std::min(deadline(), Clock::now() + at_most);
  for (;;) {
    if (IsCancelled()) return Error{Code::kCancelled, "cancelled while waiting for a KEK"};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) return false;
    CallPg([&] {
      CHECK_FOR_INTERRUPTS();  // what does not raise: IsCancelled() has said so
      WaitOnce(descriptors, static_cast<long>(left));
    });
    if (AnyReady(descriptors)) return true;
  }
}

void BackendWaiter::Note(std::string_view text) {
  CallPg([&] {
    ereport(LOG, (errmsg("provider of a KEK: %.*s", static_cast<int>(text.size()), text.data()),
                  errhidestmt(true), errhidecontext(true)));
  });
}

Result<KekList*> CurrentKeks() {
  static OpenedKeks* const opened = new OpenedKeks;  // never destroyed
  if (opened->list == nullptr || opened->setting != kek_setting) {
    opened->list.reset();
    Result<KekList> list = KekList::Open(kek_setting, {DataDir, &SystemRandom::Instance()});
    if (!list.ok()) return list.error();
    opened->list = std::make_unique<KekList>(std::move(list).value());
    opened->setting = kek_setting;
  }
  return opened->list.get();
}

}  // namespace bulla
