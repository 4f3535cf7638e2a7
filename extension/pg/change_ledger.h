// A ledger that takes events of changes: bulla.changes, made at first use, or any with the same columns.
// docs/spec/changes.md says what each column holds.
#pragma once

extern "C" {
#include "postgres.h"
#include "utils/rel.h"
}

namespace bulla {

// The columns of an event, in the order of docs/spec/changes.md.
enum ChangeColumn {
  kTableSchema,
  kTableName,
  kPartitionName,
  kTableOid,
  kOperation,
  kRowKey,
  kOldValues,
  kNewValues,
  kPersonal,
  kStatementAt,
  kTransactionId,
  kSessionRole,
  kRole,
  kApplicationName,
  kActor,
  kChangeColumns,
};

// One event, to be filled and appended.
struct ChangeEvent {
  Datum values[kChangeColumns];
  bool nulls[kChangeColumns];
};

// bulla.changes, made where it is not there: a ledger of the extension's owner. Raises
// insufficient_privilege where it would have to be made and the caller has not that owner's rights.
// Connected to SPI.
Oid ChangesLedger();

// Raises where the relation is not a ledger with the columns of an event; `personal` is asked for where
// the audit has erasable columns.
void CheckChangeLedger(Relation ledger, bool personal);

// Queues the event for the commit (pg/append_queue.h), with the rights of the ledger's owner. Raises what
// CheckChangeLedger raises, undefined_table where the ledger was dropped, and, while a subscription brings
// the ledger's rows, object_not_in_prerequisite_state for a change that was made here; events of changes
// that logical replication brings are then the publisher's, and this does nothing.
void AppendChange(Oid ledger, const ChangeEvent& event);

}  // namespace bulla
