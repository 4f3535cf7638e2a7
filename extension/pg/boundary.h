// The door between C++ and PostgreSQL. PostgreSQL raises by longjmp, which skips destructors; C++ throws,
// which must not reach C. So every SQL entry point has three phases, and only two calls lead across:
//
//   gather   PostgreSQL calls only, nothing with a destructor alive: detoast, check, palloc the output
//   compute  Enter(...): C++ only; a PostgreSQL call in the middle stands alone inside CallPg(...)
//   emit     PostgreSQL calls only
//
// Enter turns whatever goes wrong inside into a PostgreSQL error, raised after every C++ object is gone.
#pragma once

extern "C" {
#include "postgres.h"
#include "fmgr.h"
#include "utils/elog.h"
#include "utils/memutils.h"
// Since 16 what is in a varlena stands in a header of its own, which almost every file here wants.
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif
}

#include <exception>
#include <new>
#include <type_traits>
#include <utility>

#include "core/result.h"

// Declares a C-language SQL function, exported though everything else of the library is hidden. Its
// definition follows as: Datum name(PG_FUNCTION_ARGS) { ... }
#define BULLA_FUNCTION(name)                                                        \
  _Pragma("GCC visibility push(default)") extern "C" { PG_FUNCTION_INFO_V1(name); } \
  _Pragma("GCC visibility pop") static_assert(true)

namespace bulla {

// A PostgreSQL error on its way through C++ frames; thrown by CallPg, turned back by Enter with its
// SQLSTATE, DETAIL, HINT and CONTEXT.
struct PgError {
  ErrorData* data;
};

// An error on its way from C++ to PostgreSQL: nothing in it needs a destructor.
struct PendingError {
  ErrorData* from_postgres = nullptr;
  int sqlstate = 0;
  char message[512] = {};
  char hint[512] = {};
};
static_assert(std::is_trivially_destructible_v<PendingError>);

// The SQLSTATE of each Code: the one place that says.
int SqlState(Code code);

void Keep(const Error& error, PendingError* pending) noexcept;
void KeepCurrentException(PendingError* pending) noexcept;  // inside a catch block only

// Raises ERROR. Nothing with a destructor may be alive in the caller's frames.
[[noreturn]] void Raise(const PendingError& pending);
[[noreturn]] void Raise(const Error& error) = delete;  // would leak its strings: use Enter

// Runs `compute`, which returns Result<T>, and returns the T; raises ERROR where it failed or threw.
// T must not need a destructor, as the caller is about to call PostgreSQL again.
template <class Compute>
auto Enter(Compute&& compute) {
  using ResultType = decltype(compute());
  PendingError pending;
  sigjmp_buf* const exception_stack = PG_exception_stack;
  ErrorContextCallback* const error_context = error_context_stack;
  try {
    ResultType result = compute();
    if (result.ok()) {
      if constexpr (std::is_same_v<ResultType, Result<void>>) {
        return;
      } else {
        static_assert(std::is_trivially_destructible_v<std::decay_t<decltype(result.value())>>);
        return std::move(result).value();
      }
    }
    Keep(result.error(), &pending);
  } catch (...) {
    KeepCurrentException(&pending);
  }
  // Here the exception object and every local of `compute` are gone.
  Assert(PG_exception_stack == exception_stack);
  (void)exception_stack;
  error_context_stack = error_context;
  Raise(pending);
}

// Makes one PostgreSQL call from inside Enter: a PostgreSQL error becomes a PgError exception. `call`
// must hold nothing with a destructor, and the exception must reach Enter: the transaction can only
// abort.
template <class Call>
auto CallPg(Call&& call) -> decltype(call()) {
  sigjmp_buf* const exception_stack = PG_exception_stack;
  ErrorContextCallback* const error_context = error_context_stack;
  const MemoryContext memory = CurrentMemoryContext;
  sigjmp_buf here;
  if (sigsetjmp(here, 0) == 0) {
    PG_exception_stack = &here;
    if constexpr (std::is_void_v<decltype(call())>) {
      call();
      PG_exception_stack = exception_stack;
      error_context_stack = error_context;
      return;
    } else {
      static_assert(std::is_trivially_destructible_v<decltype(call())>);
      auto result = call();
      PG_exception_stack = exception_stack;
      error_context_stack = error_context;
      return result;
    }
  }
  PG_exception_stack = exception_stack;
  error_context_stack = error_context;
  MemoryContextSwitchTo(memory);
  ErrorData* const data = CopyErrorData();
  FlushErrorState();
  throw PgError{data};
}

}  // namespace bulla
