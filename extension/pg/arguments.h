// Arguments that SQL functions are not STRICT about: a null is an error there, never a silent null.
#pragma once

extern "C" {
#include "postgres.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
}

#include <string_view>

namespace bulla {

// Raises null_value_not_allowed where the argument is null.
inline void RefuseNull(FunctionCallInfo fcinfo, int argument, const char* name) {
  if (PG_ARGISNULL(argument)) {
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name)));
  }
}

// The bytes of a text or bytea. Raises null_value_not_allowed where it is null.
std::string_view BytesArgument(FunctionCallInfo fcinfo, int argument, const char* name);

// A text, palloc'd. Raises null_value_not_allowed where it is null.
const char* CStringArgument(FunctionCallInfo fcinfo, int argument, const char* name);

// Why something is done, for an event. Raises invalid_parameter_value where it is blank.
const char* ReasonArgument(FunctionCallInfo fcinfo, int argument);

// A name, palloc'd. Raises null_value_not_allowed where it is null.
inline const char* NameArgument(FunctionCallInfo fcinfo, int argument, const char* name) {
  RefuseNull(fcinfo, argument, name);
  const auto* const value = reinterpret_cast<const NameData*>(PG_GETARG_POINTER(argument));
  return pstrdup(NameStr(*value));
}

// The first argument, a ledger all of which the caller may read, whatever its columns are. Raises what
// CheckMayRead and LookAtWholeLedger raise.
Oid ReadableLedger(FunctionCallInfo fcinfo);

// A seq; `otherwise` where it is null. Raises invalid_parameter_value where it is negative.
int64 SeqArgument(FunctionCallInfo fcinfo, int argument, const char* name, int64 otherwise);

// The elements of a name[], palloc'd strings. Raises null_value_not_allowed where one is null.
List* NameList(ArrayType* names, const char* argument);

// The same of a text[].
List* TextList(ArrayType* texts, const char* argument);

}  // namespace bulla
