// Begins and ends the audit of a table: its triggers, and the events about it in bulla.events.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "pg/change_settings.h"

namespace bulla {

// The first two need a lock on the table that keeps writers out, are connected to SPI, make their statements as the
// extension's owner, and check nothing.
void StartAudit(const ChangeSettings& settings);
void StopAudit(Oid source);

// Gives the trigger for TRUNCATE, which PostgreSQL does not clone, to the partitions of an audited table
// that lack it: those that came just now. The others are not locked.
void AuditNewPartitions(Oid root);

// Takes that trigger from what is no partition of the table any more, and records that its audit ended.
void EndAuditOfDetached(Oid root);

// The settings of a table's own audit. Raises wrong_object_type where it has none.
ChangeSettings AuditOf(Relation source);

}  // namespace bulla
