// What the hot paths need to know of a table that is a ledger, or a partition of one: worked out once
// from the catalogue, kept per backend, and worked out again when the catalogue changes.
#pragma once

extern "C" {
#include "postgres.h"
#include "utils/rel.h"
}

#include "core/record.h"
#include "pg/ledger_triggers.h"
#include "pg/value_text.h"

namespace bulla {

// The values of the chain_by columns that name one chain; null without chain_by.
using ChainValues = const Datum*;

struct LedgerColumn {
  int attribute;  // index into a tuple's values
  const char* name;
  size_t name_size;
  Oid type_oid;
  ValueType type;
  bool erasable;
};

struct LedgerRelation {
  Oid relation;  // hash key; must be first
  bool valid;
  MemoryContext memory;

  Oid root;  // the ledger: the relation itself, or the partitioned table it belongs to
  LedgerArguments arguments;
  int column_count;  // columns of the record, in byte order of their names
  LedgerColumn* columns;
  int* chain_by;  // index into columns, arguments.chain_by_count of them
  int seq;        // indexes into a tuple's values
  int prev_hash;
  int hash;
  int openings;        // -1 without erasable columns
  Oid head_index;      // an index on (chain_by, seq), InvalidOid where there is none
  Oid subscription;    // that brings the ledger's rows, InvalidOid where they are appended here
  bool later_trigger;  // a BEFORE INSERT row trigger fires after the chain trigger
};

// The description of an open relation, valid until the current SQL function returns. A partition
// without triggers of its own is described by those of the table it belongs to. Raises
// wrong_object_type where the relation is no ledger, and other errors where its columns are not what
// the triggers say.
LedgerRelation* DescribeLedger(Relation relation);

// The same, and raises wrong_object_type where the relation is a partition of a ledger.
LedgerRelation* DescribeWholeLedger(Relation relation);

// Whether an attribute is one that Bulla fills in.
bool IsOwnColumn(const LedgerRelation* ledger, int attribute);

// The id of a ledger, or of the one that a partition belongs to. Raises as DescribeLedger does.
LedgerId IdOfLedger(Oid table);

// A table's name with its schema, quoted where it must be, palloc'd.
const char* QualifiedName(Oid table);

// The columns of a record of this table, in byte order of their names, before it is a ledger with these
// chain_by and erasable columns, which exist: raises feature_not_supported naming a column whose type is
// not allowed, program_limit_exceeded where a record could be too long. palloc'd in the current memory
// context.
LedgerColumn* DescribeColumns(Relation relation, const LedgerArguments& arguments, int* count);

// Installs the callback that hears of subscriptions; once per backend.
void WatchLedgerRelations();

}  // namespace bulla
