// What the triggers and the readers of a protected column need to know of it in one table or partition: worked
// out once from the catalogue, kept per backend, and worked out again when the catalogue or keys change.
#pragma once

extern "C" {
#include "postgres.h"
#include "executor/tuptable.h"
#include "utils/rel.h"
}

#include "core/cell_context.h"
#include "pg/cell_triggers.h"
#include "pg/value_type.h"

namespace bulla {

// A column that values are bound to.
struct BoundColumn {
  int attribute;     // index into a tuple's values
  const char* name;  // when it was bound
  size_t name_size;
  const char* name_now;
  ValueType type;
  Oid type_oid;
  int32 type_modifier;
};

struct Cell {
  CellId id;
  Oid root;  // the table that was protected: the relation itself or one it is a partition of
  const char* table;     // its name
  pg_uuid_t key_id;      // of bulla.key_names
  const char* key_name;  // nullptr where that key is not in this database
  int attribute;         // index into a tuple's values
  const char* column;    // its name now
  bool bytes;            // a bytea, not a text
  int bound_count;
  BoundColumn* bound;
};

// The description of a protection, valid until the current SQL function returns. `trigger` is either of its
// triggers on this relation. Raises object_not_in_prerequisite_state where the triggers or columns are not
// what bulla.protect_column made.
Cell* DescribeCell(Relation relation, const Trigger* trigger);

// The same for a column, which has to be protected, or to have been: raises wrong_object_type.
Cell* DescribeCell(Relation relation, const char* column);

// The context of the value that the row has, in memory that the next call overwrites. Raises
// not_null_violation where the row has no value to bind to.
Bytes ContextOfRow(Cell* cell, const Datum* values, const bool* nulls);

// The same as the varlena that bulla.encrypt takes, palloc'd.
Datum ContextDatum(Bytes context);

}  // namespace bulla
