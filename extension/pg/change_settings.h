// What bulla.audit_changes was told about a table: the one argument of the table's audit triggers, a JSON
// object. Like a ledger's, it is the only registration, and survives dumps and renames
// (docs/adr/0002-trigger-arguments-as-registry.md).
#pragma once

extern "C" {
#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"
}

#include "core/record.h"

namespace bulla {

// A column that the settings name: as it was called then, and its number, which a rename keeps and a
// restored dump may not.
struct NamedColumn {
  const char* name;
  AttrNumber number;
  const char* key;  // of `seal` only: the key to seal with
};

struct ChangeSettings {
  Oid source;  // the table then: tells whether the columns' numbers still mean something
  Oid ledger;
  LedgerId ledger_id;
  const char* ledger_name;  // qualified; where a restore gave the ledger another oid
  bool all_columns;         // `columns` was NULL
  List* columns;            // of NamedColumn*, as the other three
  List* skip;
  List* erasable;
  List* seal;
};

// The argument, palloc'd, and back. Parsing raises invalid_object_definition for what is not such an
// argument; its results point into memory of the current context.
const char* FormatChangeSettings(const ChangeSettings& settings);
ChangeSettings ParseChangeSettings(const char* argument);

// The ledger that the settings mean: the one with that oid or else that name, if it has that id.
// InvalidOid where there is none.
Oid FindChangeLedger(const ChangeSettings& settings);

// The name that a named column has now in the table that was audited; nullptr where it was dropped.
// Raises undefined_column where that cannot be told: a column that should be left out must not get in.
const char* CurrentName(Relation source, const ChangeSettings& settings, const NamedColumn* column);

// The trigger of this table that captures changes of rows, its own or a partition's clone, or nullptr.
// It has its one argument.
const Trigger* FindCaptureTrigger(Relation relation);

// The topmost table, of the relation and what it is a partition of, with a capture trigger: the one
// that bulla.audit_changes was called for. InvalidOid where there is none.
Oid FindAuditedRoot(Relation relation);

inline constexpr char kCaptureTrigger[] = "bulla_capture_change";
inline constexpr char kCaptureTruncateTrigger[] = "bulla_capture_truncate";

}  // namespace bulla
