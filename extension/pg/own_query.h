// Reading and writing the extension's own tables by SQL, as their owner.
#pragma once

extern "C" {
#include "postgres.h"
}

namespace bulla {

struct QueryArgument {
  Oid type;
  Datum value;
};

// The columns of the first row as texts, palloc'd, each null where the column is; nullptr where there is no row. Sees what
// is committed now, as far as the isolation level lets it.
const char** OwnRow(const char* sql, const QueryArgument* arguments, int count);

template <int count>
const char** OwnRow(const char* sql, const QueryArgument (&arguments)[count]) {
  return OwnRow(sql, arguments, count);
}

}  // namespace bulla
