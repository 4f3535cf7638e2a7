// SQL functions that fail on their way through the door between C++ and PostgreSQL, in every way they
// can. test/regress/sql/boundary.sql calls them.

#include "pg/boundary.h"

extern "C" {
#include "utils/builtins.h"
}

#include <stdexcept>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)
extern "C" {
PG_MODULE_MAGIC;
}
#pragma GCC visibility pop

namespace bulla {
namespace {

int live = 0;

// An object that has to be destroyed on the way out, with memory of its own.
class Counted {
 public:
  Counted() : memory_(1'000, 'x') { ++live; }
  Counted(const Counted& other) : memory_(other.memory_) { ++live; }
  ~Counted() { --live; }

 private:
  std::string memory_;
};

const char* TextArgument(FunctionCallInfo fcinfo, int argument) {
  return text_to_cstring(PG_GETARG_TEXT_PP(argument));
}

Code CodeOf(std::string_view name) {
  constexpr std::pair<std::string_view, Code> kCodes[] = {
      {"kInvalidArgument", Code::kInvalidArgument},
      {"kNotFound", Code::kNotFound},
      {"kAlreadyExists", Code::kAlreadyExists},
      {"kPermissionDenied", Code::kPermissionDenied},
      {"kFailedPrecondition", Code::kFailedPrecondition},
      {"kCorrupt", Code::kCorrupt},
      {"kAuthenticationFailed", Code::kAuthenticationFailed},
      {"kCancelled", Code::kCancelled},
      {"kUnavailable", Code::kUnavailable},
      {"kInternal", Code::kInternal},
  };
  for (const auto& [known, code] : kCodes) {
    if (known == name) return code;
  }
  throw std::invalid_argument("no such code");
}

// Some frames with objects in them between the failure and the door.
template <class Fail>
Result<int> Deep(int frames, Fail&& fail) {
  const Counted counted;
  if (frames > 0) return Deep(frames - 1, fail);
  return fail();
}

constexpr int kFrames = 5;

}  // namespace

// fail(code, message, hint): the core answers with an error.
BULLA_FUNCTION(bulla_test_fail);
Datum bulla_test_fail(PG_FUNCTION_ARGS) {
  const char* const code = TextArgument(fcinfo, 0);
  const char* const message = TextArgument(fcinfo, 1);
  const char* const hint = TextArgument(fcinfo, 2);
  const int result = Enter([&]() -> Result<int> {
    const Counted counted;
    return Deep(kFrames, [&]() -> Result<int> { return Error{CodeOf(code), message, hint}; });
  });
  PG_RETURN_INT32(result);
}

// throw_it(what, message): something is thrown instead.
BULLA_FUNCTION(bulla_test_throw_it);
Datum bulla_test_throw_it(PG_FUNCTION_ARGS) {
  const std::string_view what = TextArgument(fcinfo, 0);
  const char* const message = TextArgument(fcinfo, 1);
  const int result = Enter([&]() -> Result<int> {
    const Counted counted;
    return Deep(kFrames, [&]() -> Result<int> {
      if (what == "bad_alloc") throw std::bad_alloc();
#ifdef __SANITIZE_ADDRESS__
      // The sanitizer's operator new ends the process where memory is short.
      if (what == "real bad_alloc") throw std::bad_alloc();
#else
      if (what == "real bad_alloc") return std::string(std::string().max_size() / 2, 'x').empty();
#endif
      if (what == "int") throw 7;
      if (what == "logic_error") throw std::logic_error(message);
      if (what == "string") throw std::string(message);
      if (what == "nothing") return 42;
      throw std::runtime_error(message);
    });
  });
  PG_RETURN_INT32(result);
}

// call_function(oid): PostgreSQL is called with C++ frames below it.
BULLA_FUNCTION(bulla_test_call_function);
Datum bulla_test_call_function(PG_FUNCTION_ARGS) {
  const Oid function = PG_GETARG_OID(0);
  const int result = Enter([&]() -> Result<int> {
    const Counted counted;
    return Deep(kFrames, [&]() -> Result<int> {
      return DatumGetInt32(CallPg([&] { return OidFunctionCall0(function); }));
    });
  });
  PG_RETURN_INT32(result);
}

// What CallPg has put back when an error of PostgreSQL's reaches C++: true, or the test is over.
BULLA_FUNCTION(bulla_test_put_back);
Datum bulla_test_put_back(PG_FUNCTION_ARGS) {
  const Oid function = PG_GETARG_OID(0);
  sigjmp_buf* const exception_stack = PG_exception_stack;
  ErrorContextCallback* const error_context = error_context_stack;
  const MemoryContext memory = CurrentMemoryContext;
  bool put_back = false;
  const bool result = Enter([&]() -> Result<bool> {
    const Counted counted;
    try {
      CallPg([&] {
        MemoryContextSwitchTo(TopMemoryContext);
        OidFunctionCall0(function);
      });
    } catch (const PgError&) {
      put_back = PG_exception_stack == exception_stack && error_context_stack == error_context &&
                 CurrentMemoryContext == memory;
      if (!put_back) return Error{Code::kInternal, "CallPg has left something behind"};
      throw;
    }
    return false;
  });
  PG_RETURN_BOOL(result);
}

BULLA_FUNCTION(bulla_test_live);
Datum bulla_test_live(PG_FUNCTION_ARGS) { PG_RETURN_INT32(live); }

}  // namespace bulla
