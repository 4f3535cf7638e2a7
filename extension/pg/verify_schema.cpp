// VerifySchema: whether the columns that hashes cover are those that bulla.events tells of.

#include "pg/verify_ledger.h"

extern "C" {
#include "access/table.h"
#include "utils/builtins.h"
#include "utils/rel.h"
}

#include "pg/event_lookup.h"
#include "pg/ledger_columns.h"
#include "pg/ledger_relation.h"

namespace bulla {
namespace {

struct ExpectedColumn {
  const char* name;
  const char* type;
};

ExpectedColumn* Find(List* columns, const char* name) {
  ListCell* cell;
  foreach (cell, columns) {
    auto* const column = static_cast<ExpectedColumn*>(lfirst(cell));
    if (strcmp(column->name, name) == 0) return column;
  }
  return nullptr;
}

void Expect(List** columns, const char* name, const char* type) {
  if (ExpectedColumn* const known = Find(*columns, name)) {
    known->type = type;
    return;
  }
  auto* const column = static_cast<ExpectedColumn*>(palloc(sizeof(ExpectedColumn)));
  *column = {name, type};
  *columns = lappend(*columns, column);
}

// As the events say that they came to be. NIL where there are none, as when a table was restored alone.
List* ExpectedColumns(const LedgerId& ledger) {
  List* columns = NIL;
  ListCell* cell;
  foreach (cell, AllEvents(ledger, "ledger.created")) {
    const auto* const event = static_cast<const LoggedEvent*>(lfirst(cell));
    List* const names = DetailTexts(event, "columns");
    List* const types = DetailTexts(event, "types");
    for (int i = 0; i < Min(list_length(names), list_length(types)); ++i)
      Expect(&columns, static_cast<const char*>(list_nth(names, i)),
             static_cast<const char*>(list_nth(types, i)));
  }
  if (columns == NIL) return NIL;
  for (const char* const action : {"ledger.column_added", "ledger.column_widened"}) {
    foreach (cell, AllEvents(ledger, action)) {
      const auto* const event = static_cast<const LoggedEvent*>(lfirst(cell));
      Expect(&columns, DetailText(event, "column"), DetailText(event, "type"));
    }
  }
  return columns;
}

// Types of users can be renamed without a change of what they print; those of PostgreSQL cannot. Some of
// these are named in the way of the SQL standard, without a schema.
bool IsBuiltIn(const char* type) {
  return strncmp(type, "pg_catalog.", 11) == 0 || strchr(type, '.') == nullptr;
}

void ReportColumn(const char* column, const char* what, ReportFinding report, void* state) {
  report({nullptr, nullptr, "schema_changed", psprintf("column %s %s", column, what)}, state);
}

}  // namespace

bool CanReadRows(Oid ledger, ReportFinding report, void* state) {
  const LedgerFault* const fault = FindFault(ledger);
  if (fault == nullptr) return true;
  report({nullptr, nullptr, "schema_changed", psprintf("%s: no row was checked", fault->message)},
         state);
  return false;
}

void VerifySchema(Oid ledger, ReportFinding report, void* state) {
  const Relation relation = table_open(ledger, AccessShareLock);
  const LedgerRelation* const described = LookAtLedger(relation);
  List* const expected = ExpectedColumns(described->arguments.id);
  List* const there = RecordColumns(relation);
  ListCell* cell;
  foreach (cell, expected) {
    const auto* const was = static_cast<const ExpectedColumn*>(lfirst(cell));
    const RecordColumn* const is = FindRecordColumn(there, was->name);
    if (is == nullptr) {
      ReportColumn(was->name, "is gone, which hashes cover", report, state);
    } else if (strcmp(is->type, was->type) != 0 && IsBuiltIn(is->type) && IsBuiltIn(was->type)) {
      ReportColumn(was->name, psprintf("has type %s, and had %s", is->type, was->type), report,
                   state);
    }
  }
  foreach (cell, expected == NIL ? NIL : there) {
    const auto* const is = static_cast<const RecordColumn*>(lfirst(cell));
    if (Find(expected, is->name) != nullptr) continue;
    ReportColumn(is->name,
                 is->has_missing ? "was added with a DEFAULT, which bulla.events does not tell of"
                                 : "was added, which bulla.events does not tell of",
                 report, state);
  }
  table_close(relation, AccessShareLock);
}

}  // namespace bulla
