// Expressions that read a table's columns by reading whole rows of it: pg_depend does not tell of these.
#pragma once

extern "C" {
#include "postgres.h"
#include "nodes/pg_list.h"
}

namespace bulla {

// The views, materialised or not, and the indexes that read whole rows of one of these tables, or the rows of a join
// with one: oids of pg_class.
List* WholeRowReaders(List* tables);

}  // namespace bulla
