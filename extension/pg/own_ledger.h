// Ledgers of Bulla's own, in its schema: made at first use and not by the install script, so that a restored dump
// brings its own.
#pragma once

extern "C" {
#include "postgres.h"
}

namespace bulla {

struct OwnLedger {
  const char* name;          // of the table, in schema bulla
  const char* create_table;  // as SQL
  const char* comment;       // of the table
  const char* create_index;  // as SQL; nullptr for none
};

// Makes it where it is not there. Raises object_not_in_prerequisite_state where a table of the name is not the
// extension's any more: rows must not go there unseen.
void RequireOwnLedger(const OwnLedger& ledger);

// Queues a row for the end of this transaction (pg/append_queue.h), as the extension's owner. `row` is a JSON object by
// columns.
void QueueIntoOwnLedger(const OwnLedger& ledger, const char* row);

// A table or index of schema bulla; InvalidOid where there is none.
Oid OwnRelation(const char* name);

// Who owns the extension's tables.
Oid ExtensionOwner();

}  // namespace bulla
