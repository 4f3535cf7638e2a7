// What the catalogue said of a table when a DDL command began, and what it says now that it has run.
#pragma once

extern "C" {
#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/snapshot.h"
}

#include "pg/ledger_triggers.h"

namespace bulla {

// The catalogue as it was when the command began: everything that others have committed by now, and what
// this transaction did before the command. Registered; give it back with UnregisterSnapshot. What follows
// reads as of a snapshot, or as of now where that is nullptr. Everything returned is palloc'd.
Snapshot BeforeThisCommand();

// A trigger of Bulla's, with arguments that are those of a ledger: anybody can write others.
struct OwnTrigger {
  Oid oid;
  Oid table;
  Oid function;
  Oid parent;  // the trigger it is a clone of
  int16 type;
  char enabled;
  bool conditional;  // fires only under a condition, or as a constraint
  NameData name;
  int argument_count;
  char** arguments;
};
List* OwnTriggers(Oid table, Snapshot snapshot);
// That one trigger; nullptr where it is not there or not one of Bulla's.
OwnTrigger* FindOwnTrigger(Oid trigger, Snapshot snapshot);

// The tables that a table is a partition or a child of, and the other way round.
List* ParentsOf(Oid table, Snapshot snapshot);
List* ChildrenOf(Oid table, Snapshot snapshot);

// The topmost table with triggers of Bulla's: the table itself or one that it is a partition of, however
// far. InvalidOid where there is none: it is no part of a ledger.
Oid LedgerOf(Oid table, Snapshot snapshot);

// pg_class of a table; false where it is not there.
struct TableFacts {
  NameData name;
  Oid schema;
  Oid owner;
  char kind;
  char persistence;
};
bool ReadTable(Oid table, Snapshot snapshot, TableFacts* facts);

struct ColumnFacts {
  NameData name;
  int number;
  Oid type;
  bool not_null;
  bool dropped;
  bool generated;
  bool has_default;  // of its own, or an identity
};
List* ColumnsOf(Oid table, Snapshot snapshot);  // in order of number

// The CHECK constraints of a table, of CheckFacts*.
struct CheckFacts {
  NameData name;
  Node* expression;  // as the catalogue stores it
};
List* ChecksOf(Oid table, Snapshot snapshot);

// What the triggers of a ledger say of it now; false where it is none.
bool ReadLedgerArguments(Oid ledger, LedgerArguments* arguments);

// The table an index belongs to, InvalidOid where there is no such index.
Oid TableOfIndex(Oid index, Snapshot snapshot);

// The labels of an enum, of EnumLabel*.
struct EnumLabel {
  Oid oid;
  NameData label;
};
List* EnumLabels(Oid type, Snapshot snapshot);

}  // namespace bulla
