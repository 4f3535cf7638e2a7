// Arguments that SQL functions are not STRICT about: a null is an error there, never a silent null.
#pragma once

extern "C" {
#include "postgres.h"
#include "fmgr.h"
}

namespace bulla {

// Raises null_value_not_allowed where the argument is null.
inline void RefuseNull(FunctionCallInfo fcinfo, int argument, const char* name) {
  if (PG_ARGISNULL(argument)) {
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name)));
  }
}

}  // namespace bulla
