// What the hot paths need to know of a table that is a ledger, or a partition of one: worked out once
// from the catalogue, kept per backend, and worked out again when the catalogue changes.
#pragma once

extern "C" {
#include "postgres.h"
#include "utils/rel.h"
}

#include "core/record.h"
#include "pg/ledger_triggers.h"
#include "pg/value_type.h"

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
  bool has_enums;  // pg/lost_labels.h
};

// What makes rows of a table impossible to read as those of its ledger: what an error says of it.
struct LedgerFault {
  int sqlstate;
  const char* message;
  const char* detail;  // or null
  const char* hint;    // or null
};

struct LedgerRelation {
  Oid relation;  // hash key; must be first
  bool valid;
  MemoryContext memory;
  const LedgerFault* fault;  // null in what DescribeLedger returns

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

// The same as DescribeLedger for who has to tell of a fault rather than raise it. Where there is one, only
// root, arguments and the columns that are Bulla's own are known, -1 where there is none.
LedgerRelation* LookAtLedger(Relation relation);
LedgerRelation* LookAtWholeLedger(Relation relation);

// Describes a ledger anew, also where the catalogue did not say that it changed: types change without that.
// Returns its fault, or that of the first of its partitions that has one; nullptr where rows can be read.
const LedgerFault* FindFault(Oid ledger);

// Whether an attribute is one that Bulla fills in.
bool IsOwnColumn(const LedgerRelation* ledger, int attribute);

// The id of a ledger, or of the one that a partition belongs to. Raises wrong_object_type where it is none.
LedgerId IdOfLedger(Oid table);

// A table's name with its schema, quoted where it must be, palloc'd.
const char* QualifiedName(Oid table);

// The columns of a record of this table, in byte order of their names, before it is a ledger with these
// chain_by and erasable columns, which exist. palloc'd in the current memory context. The fault is that of a
// column whose type is not allowed (feature_not_supported), or that a record could be too long
// (program_limit_exceeded); nullptr where there is none.
LedgerColumn* DescribeColumns(Relation relation, const LedgerArguments& arguments, int* count,
                              const LedgerFault** fault);

// Does nothing where it is nullptr.
void RaiseFault(const LedgerFault* fault);

// Installs the callback that hears of subscriptions; once per backend.
void WatchLedgerRelations();

}  // namespace bulla
