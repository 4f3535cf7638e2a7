// Rows that bring their own seq, prev_hash and hash: from a dump under bulla.restore, and from a publisher by
// logical replication. Neither delivers them in order, so each is judged by itself; bulla.verify judges the rest.
#pragma once

extern "C" {
#include "postgres.h"
#include "utils/rel.h"
}

#include "pg/ledger_relation.h"

namespace bulla {

// Whether this backend takes such rows.
bool AcceptsForeignRows();

// Judges a row that brings all three; false where it is there already and is to be left out. Raises
// data_corrupted where the row does not match its hash, and, in a replication worker, unique_violation
// where the ledger has another row in its place.
bool AdmitForeignRow(Relation relation, const LedgerRelation* ledger, const Datum* values,
                     const bool* nulls);

}  // namespace bulla
