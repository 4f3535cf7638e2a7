// What bulla.create_ledger refuses, each with a HINT that says what to do instead.
#pragma once

extern "C" {
#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"
#include "utils/snapshot.h"
}

#include "pg/ledger_relation.h"
#include "pg/make_ledger.h"

namespace bulla {

// Raises where the table cannot be a ledger with these columns.
void CheckCanBecomeLedger(Relation table, const LedgerOptions& options);

// The part of it that looks at erasable columns (erasable_checks.cpp); chain_by was checked.
void CheckErasable(Relation table, const LedgerOptions& options);

// What keeps a column from being set NULL, as the end of a message: its NOT NULL, that of its domain, or a CHECK
// constraint that is false whenever it is NULL. As of a snapshot, or now where that is nullptr. nullptr where
// nothing is found, or there is no such column: a constraint can refuse NULL in ways that are not seen here.
const char* RefusalOfNull(Oid table, const char* column, Snapshot snapshot);

// NOT NULL of a domain, or of one that it is made of.
bool DomainRefusesNull(Oid type);

// Raises undefined_table where there is no such table: regclass may be any number; wrong_object_type for an index.
void CheckTableExists(Oid table);

// Raises object_not_in_prerequisite_state for tables in schema bulla, bulla.events among them: they are
// what Bulla says they are, and nobody makes or unmakes them by hand.
void CheckIsNotBullas(Oid table);

// Raises insufficient_privilege unless the current user owns the table.
void CheckOwnsTable(Oid table);

// Raises where one of these columns cannot be among chain_by.
void CheckChainColumns(Relation table, int count, const char* const* names);

// True where the ledger, or this partition of it, has the index it needs: on (chain_by, seq), and unique
// where CanBeUnique.
bool HasHeadIndex(const LedgerRelation* ledger);

// True where a unique index on (chain_by, seq) can span the table: it is not partitioned, or only by
// columns among chain_by.
bool CanBeUnique(Oid table, List* chain_by);

}  // namespace bulla
