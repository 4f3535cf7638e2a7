// What the audit triggers need to know of a table: worked out once from the catalogue and the triggers'
// argument, kept per backend, and worked out again when the catalogue changes.
#pragma once

extern "C" {
#include "postgres.h"
#include "nodes/bitmapset.h"
#include "utils/rel.h"
}

#include "pg/value_type.h"

namespace bulla {

// A column whose values are recorded.
struct SourceColumn {
  int attribute;  // index into a tuple's values
  const char* name;
  bool by_value;
  int16 length;  // pg_type.typlen
  ValueType type;
  bool sealed_as_bytes;  // a bytea: what is sealed in it already is an envelope's bytes
  bool key;              // of the primary key or the replica identity
  bool erasable;         // goes into the erasable part of the event
  const char* seal_key;  // sealed under this key, or nullptr
};

struct ChangeSource {
  Oid relation;  // hash key; must be first
  bool valid;
  MemoryContext memory;

  Oid root;    // the table that is audited: the relation itself, or one it is a partition of
  Oid ledger;  // where its events go
  bool has_key;
  bool has_other_types;  // types whose text value_text.h does not vouch for: more is pinned
  int column_count;
  SourceColumn* columns;
};

// The description of an audited table or partition, valid until the current SQL function returns.
// `argument` is that of the trigger that fired. Raises undefined_table where its ledger is gone,
// undefined_column where its settings name a column that cannot be told.
ChangeSource* DescribeChangeSource(Relation relation, const char* argument);

// The columns that tell one row from the others: those of the primary key, else of the replica identity,
// else none. Numbered as RelationGetIndexAttrBitmap does.
Bitmapset* AuditKeyColumns(Relation relation);

}  // namespace bulla
