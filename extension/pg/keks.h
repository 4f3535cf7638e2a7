// The KEKs that bulla.kek names, for this backend, and waiting for who holds them.
#pragma once

#include <type_traits>
#include <utility>

#include "kms/kek_list.h"
#include "pg/enter_noting.h"

extern "C" {
#include "miscadmin.h"
}

namespace bulla {

// Waits as PostgreSQL's own waits do: woken by signals, ended by the postmaster's death.
class BackendWaiter final : public Waiter {
 public:
  BackendWaiter();  // bulla.kek_timeout from now on

  // kCancelled as soon as the next CHECK_FOR_INTERRUPTS() would end the statement or the session.
  Result<bool> Wait(std::span<pollfd> descriptors, std::chrono::milliseconds at_most) override;
  void Note(std::string_view text) override;
};

// The list as bulla.kek is now. Kept until the setting changes.
Result<KekList*> CurrentKeks();

// Runs compute(KekList&, Waiter&) as Enter does. Where the waiter was cancelled every C++ object is gone
// when the interrupt is served, so that children are ended and descriptors closed even if the session
// ends with it. Any other error lets on_failure() be called before it is raised, as EnterNoting does.
template <class Compute, class OnFailure>
auto EnterKeks(Compute&& compute, OnFailure&& on_failure) {
  using ResultType = std::invoke_result_t<Compute, KekList&, Waiter&>;
  using Value = std::decay_t<decltype(std::declval<ResultType>().value())>;
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    bool cancelled = false;
    const Value value = EnterNoting(
        [&]() -> ResultType {
          const Result<KekList*> keks = CurrentKeks();
          if (!keks.ok()) return keks.error();
          BackendWaiter waiter;
          ResultType result = compute(*keks.value(), waiter);
          if (result.ok() || result.error().code != Code::kCancelled) return result;
          cancelled = true;
          return Value{};
        },
        on_failure);
    if (!cancelled) return value;
  }
}

template <class Compute>
auto EnterKeks(Compute&& compute) {
  return EnterKeks(std::forward<Compute>(compute), [] {});
}

}  // namespace bulla
