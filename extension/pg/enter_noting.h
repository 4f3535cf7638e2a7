// Enter, for who has to write something down before the error is raised.
#pragma once

#include <type_traits>
#include <utility>

#include "pg/boundary.h"

namespace bulla {

// As Enter. Where compute() gives an Error, on_failure() is called just before it is raised, when every C++ object
// is gone: PostgreSQL calls are allowed there.
template <class Compute, class OnFailure>
auto EnterNoting(Compute&& compute, OnFailure&& on_failure) {
  using ResultType = decltype(compute());
  using Value = std::decay_t<decltype(std::declval<ResultType>().value())>;
  PendingError pending;
  bool failed = false;
  const Value value = Enter([&]() -> ResultType {
    ResultType result = compute();
    if (result.ok()) return result;
    Keep(result.error(), &pending);
    failed = true;
    return Value{};
  });
  if (!failed) return value;
  on_failure();
  Raise(pending);
}

}  // namespace bulla
