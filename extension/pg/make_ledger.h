// Turns a table into a ledger and back: columns, index, triggers, and the rows that are there already.
#pragma once

extern "C" {
#include "postgres.h"
#include "nodes/pg_list.h"
}

#include "core/record.h"

namespace bulla {

// Of bulla.create_ledger. Columns are lists of their names.
struct LedgerOptions {
  List* chain_by = NIL;
  List* erasable = NIL;
  bool blind = false;
};

struct MadeLedger {
  LedgerId id;
  int64 retroactive_rows;
  List* chains;  // of ChainedRows*, those that existing rows were put in
};

// Runs as the current user, who must own the table, with search_path pinned, connected to SPI. Takes an
// exclusive lock on the table until the end of the transaction.
MadeLedger MakeLedger(Oid table, const LedgerOptions& options);

// Takes the triggers away, from partitions too, and leaves columns, index and rows.
void UnmakeLedger(Oid ledger);

// Gives a partition of the ledger the statement triggers it lacks. Connects to SPI itself, as does the
// next.
void ProtectTable(Oid table, Oid ledger);

// Makes triggers of Bulla's on this table fire always that were merely enabled.
void FireAlways(Oid table);

// Gives a table that was a partition, and has lost the triggers that came with that, all triggers of a ledger
// and the one that refuses INSERT. `arguments` are those of the ledger's triggers, as SQL.
void ProtectDetached(Oid table, const char* arguments);

}  // namespace bulla
