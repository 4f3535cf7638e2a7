// The bytes of a value of variable length: a text, a bytea, or another that is stored so.
#pragma once

extern "C" {
#include "postgres.h"
#include "fmgr.h"
}

#include <string_view>

#include "pg/versions.h"

namespace bulla {

// Detoasted where need be, into the current memory context. AsBytes makes Bytes of it.
inline std::string_view ValueBytes(Datum value) {
  const varlena* const bytes = PG_DETOAST_DATUM_PACKED(value);
  return {VARDATA_ANY(bytes), static_cast<size_t>(VARSIZE_ANY_EXHDR(bytes))};
}

}  // namespace bulla
