// Mistakes with memory, for the tools that have to find them: test/check makes each before it believes that
// they find none in Bulla.

#include "pg/boundary.h"

extern "C" {
#include "utils/builtins.h"
#include "utils/memutils.h"
}

#include <string_view>

namespace bulla {
namespace {

constexpr Size kSize = 40;
volatile int one = 1;  // what the compiler does not see through

volatile char* NewChunk() { return static_cast<volatile char*>(palloc0(kSize)); }

}  // namespace

// fault(what)
BULLA_FUNCTION(bulla_test_fault);
Datum bulla_test_fault(PG_FUNCTION_ARGS) {
  const std::string_view what = text_to_cstring(PG_GETARG_TEXT_PP(0));
  int found = 0;
  if (what == "past a chunk") {
    found = NewChunk()[kSize - 1 + one];
  } else if (what == "past an object") {
    volatile char* const object = new char[kSize * static_cast<Size>(one)];
    found = object[kSize - 1 + one];
    delete[] object;
  } else if (what == "after pfree") {
    volatile char* const chunk = NewChunk();
    pfree(const_cast<char*>(chunk));
    found = chunk[one];
  } else if (what == "after a reset") {
    const MemoryContext context =
        AllocSetContextCreate(CurrentMemoryContext, "fault", ALLOCSET_DEFAULT_SIZES);
    const MemoryContext caller = MemoryContextSwitchTo(context);
    volatile char* const chunk = NewChunk();
    MemoryContextSwitchTo(caller);
    MemoryContextReset(context);
    found = chunk[one];
  } else if (what == "pfree after a reset") {
    const MemoryContext context =
        AllocSetContextCreate(CurrentMemoryContext, "fault", ALLOCSET_DEFAULT_SIZES);
    void* const chunk = MemoryContextAlloc(context, kSize);
    MemoryContextReset(context);
    pfree(chunk);  // the read of freed memory is in PostgreSQL, not here
  } else if (what == "a wide shift") {
    found = one << (one + 40);
  } else {
    elog(ERROR, "there is no such fault: %s", what.data());
  }
  PG_RETURN_INT32(found);
}

}  // namespace bulla
