// What the event triggers refuse on one table that a DDL command touched. They judge what the command has
// made of the table and not what it said, so that no spelling of it goes unseen.
#pragma once

extern "C" {
#include "postgres.h"
#include "nodes/nodes.h"
#include "utils/snapshot.h"
}

namespace bulla {

// Raises object_not_in_prerequisite_state with a HINT where the command broke what protects a ledger, or
// what its hashes cover. `before` is BeforeThisCommand().
void JudgeTable(Oid table, Snapshot before);

// True for a table that Bulla itself is changing (pg/own_ddl.h), or one that is or was a partition of it.
bool IsOwn(Oid table, Snapshot before);

// What is done instead under bulla.restore, where nothing is refused: what pg_restore --disable-triggers
// leaves of a ledger's triggers is made to fire always again, and new partitions get theirs.
void PutProtectionBack(Oid table, Snapshot before);

// The part that looks at columns: raises where the records of old rows are not what they were.
void JudgeColumns(Oid table, Oid ledger, Snapshot before);

// A command is about to convert values of columns to another type, or another modifier of their type.
// Only an integer that becomes a longer one goes on printing the same.
void JudgeRewrite(Oid table, const Node* statement, Snapshot before);

// Writes down in bulla.events what the command changed of a ledger: its name, schema, owner, columns.
void RecordTableChanges(Oid table, Snapshot before);

// Of tables that are a ledger or a part of one: judges that they may be where the command has put them in
// the tree of partitions, and gives new partitions their triggers. Under bulla.restore only the latter.
void JudgePlace(Oid table, Snapshot before);

}  // namespace bulla
