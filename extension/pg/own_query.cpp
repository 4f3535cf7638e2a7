#include "pg/own_query.h"

extern "C" {
#include "executor/spi.h"
#include "utils/memutils.h"
}

#include "pg/own_ledger.h"
#include "pg/user_scope.h"

namespace bulla {
namespace {

constexpr int kMostArguments = 8;

const char** CopyFirstRow(MemoryContext into) {
  if (SPI_processed == 0 || SPI_tuptable == nullptr) return nullptr;
  const TupleDesc columns = SPI_tuptable->tupdesc;
  auto* const row = static_cast<const char**>(
      MemoryContextAlloc(into, sizeof(char*) * static_cast<Size>(columns->natts)));
  for (int i = 0; i < columns->natts; ++i) {
    const char* const text = SPI_getvalue(SPI_tuptable->vals[0], columns, i + 1);
    row[i] = text == nullptr ? nullptr : MemoryContextStrdup(into, text);
  }
  return row;
}

}  // namespace

const char** OwnRow(const char* sql, const QueryArgument* arguments, int count) {
  Oid types[kMostArguments];
  Datum values[kMostArguments];
  Assert(count <= kMostArguments);
  for (int i = 0; i < count; ++i) {
    types[i] = arguments[i].type;
    values[i] = arguments[i].value;
  }
  const MemoryContext caller = CurrentMemoryContext;
  const UserScope user = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
  SPI_connect();
  const int done = SPI_execute_with_args(sql, count, types, values, nullptr, false, 0);
  if (done < 0) elog(ERROR, "SPI failed: %s", SPI_result_code_string(done));
  const char** const row = CopyFirstRow(caller);
  SPI_finish();
  EndAs(user);
  return row;
}

}  // namespace bulla
