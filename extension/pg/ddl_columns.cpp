// JudgeColumns: whether the records of a ledger's old rows are what they were before the command.

#include "pg/ddl_table.h"

extern "C" {
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"
}

#include "pg/ddl_catalog.h"
#include "pg/event_log.h"
#include "pg/ledger_checks.h"
#include "pg/ledger_columns.h"
#include "pg/ledger_relation.h"
#include "pg/ledger_triggers.h"
#include "pg/uuid_ids.h"

namespace bulla {
namespace {

[[noreturn]] void Refuse(Oid table, const ColumnFacts* column, const char* because,
                         const char* hint) {
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("column \"%s\" of ledger \"%s\" %s", NameStr(column->name),
                         get_rel_name(table), because),
                  errhint("%s", hint)));
}

const ColumnFacts* Find(List* columns, int number) {
  ListCell* cell;
  foreach (cell, columns) {
    const auto* const column = static_cast<const ColumnFacts*>(lfirst(cell));
    if (column->number == number) return column;
  }
  return nullptr;
}

bool IsUnboundedText(Oid type) {
  const Oid base = getBaseType(type);
  return base == TEXTOID || base == VARCHAROID;
}

int IntegerSize(Oid type) {
  const Oid base = getBaseType(type);
  return base == INT2OID ? 2 : base == INT4OID ? 4 : base == INT8OID ? 8 : 0;
}

bool Widens(Oid from, Oid to) {
  return IntegerSize(from) > 0 && IntegerSize(from) <= IntegerSize(to);
}

// Values print the same under both types, unless they are converted otherwise than the types say, which
// JudgeRewrite refuses.
bool PrintsTheSame(Oid from, Oid to) {
  return from == to || (IsUnboundedText(from) && IsUnboundedText(to)) || Widens(from, to);
}

bool IsAmong(const char* name, const LedgerArguments& arguments) {
  for (int i = 0; i < arguments.chain_by_count; ++i) {
    if (strcmp(arguments.chain_by[i], name) == 0) return true;
  }
  return false;
}

bool IsPosition(const char* name) {
  return strcmp(name, "seq") == 0 || strcmp(name, "prev_hash") == 0 || strcmp(name, "hash") == 0;
}

void JudgeOldColumn(Oid table, const ColumnFacts* was, const ColumnFacts* is,
                    const LedgerArguments& arguments) {
  if (was->dropped) return;
  if (was->generated) {
    if (is != nullptr && !is->dropped && !is->generated)
      Refuse(table, was, "cannot stop being generated: it would become part of old rows' hashes",
             "Add a column of your own for values that are not generated.");
    return;
  }
  if (is == nullptr || is->dropped)
    Refuse(table, was, "cannot be dropped: hashes of its rows cover it",
           "Leave it NULL in new rows.");
  if (strcmp(NameStr(was->name), NameStr(is->name)) != 0)
    Refuse(table, was, "cannot be renamed: hashes of its rows cover its name",
           "Make a view of the ledger that shows the column under another name.");
  if (!PrintsTheSame(was->type, is->type))
    Refuse(table, was, "cannot get another type: hashes of its rows cover the text of its values",
           "Add a nullable column of the other type for new rows.");
  if (was->not_null && !is->not_null &&
      (IsPosition(NameStr(was->name)) || IsAmong(NameStr(was->name), arguments)))
    Refuse(table, was, "cannot become nullable: it says where a row stands in its chain",
           "Every row of a ledger has a place in a chain.");
}

// An erasable column can be set NULL, as it could.
void JudgeErasable(Oid table, const LedgerArguments& arguments, Snapshot before) {
  for (int i = 0; i < arguments.erasable_count; ++i) {
    const char* const name = arguments.erasable[i];
    const char* const refusal = RefusalOfNull(table, name, nullptr);
    if (refusal == nullptr || RefusalOfNull(table, name, before) != nullptr) continue;
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("erasable column \"%s\" of ledger \"%s\" must be able to be NULL: %s", name,
                    get_rel_name(table), refusal),
             errhint("bulla.erase sets it NULL. Let a BEFORE INSERT trigger that sorts before "
                     "\"%s\" refuse new rows without a value.",
                     RequiredTriggers()[0].name)));
  }
}

// Old rows have NULL in it, and their records leave that out.
void JudgeNewColumn(Oid table, const ColumnFacts* column) {
  if (column->dropped || column->generated) return;
  if (column->has_default || get_typdefault(column->type) != nullptr)
    Refuse(table, column, "cannot be added with a DEFAULT: rows that are there would get its value",
           "Add the column without a DEFAULT, then run ALTER TABLE … ALTER COLUMN … SET DEFAULT.");
}

void RecordColumnEvent(const char* action, Oid table, const char* id, const ColumnFacts* column) {
  RecordEvent(action, EventDetail()
                          .Text("ledger", QualifiedName(table))
                          .Text("ledger_id", id)
                          .Text("column", NameStr(column->name))
                          .Text("type", TypeName(column->type)));
}

void RecordColumnChanges(Oid table, const char* id, Snapshot before) {
  List* const columns = ColumnsOf(table, before);
  ListCell* cell;
  foreach (cell, ColumnsOf(table, nullptr)) {
    const auto* const is = static_cast<const ColumnFacts*>(lfirst(cell));
    if (is->dropped || is->generated) continue;
    const ColumnFacts* const was = Find(columns, is->number);
    if (was == nullptr) RecordColumnEvent("ledger.column_added", table, id, is);
    if (was != nullptr && was->type != is->type)
      RecordColumnEvent("ledger.column_widened", table, id, is);
  }
}

}  // namespace

void JudgeColumns(Oid table, Oid ledger, Snapshot before) {
  LedgerArguments arguments;
  if (!ReadLedgerArguments(ledger, &arguments)) return;
  List* const was = ColumnsOf(table, before);
  List* const is = ColumnsOf(table, nullptr);
  ListCell* cell;
  foreach (cell, was) {
    const auto* const column = static_cast<const ColumnFacts*>(lfirst(cell));
    JudgeOldColumn(table, column, Find(is, column->number), arguments);
  }
  bool added = false;
  foreach (cell, is) {
    const auto* const column = static_cast<const ColumnFacts*>(lfirst(cell));
    if (Find(was, column->number) != nullptr) continue;
    JudgeNewColumn(table, column);
    added = true;
  }
  const Relation relation = table_open(table, AccessShareLock);
  int count;
  const LedgerFault* fault = nullptr;
  if (added) DescribeColumns(relation, arguments, &count, &fault);
  RaiseFault(fault);
  CheckChainColumns(relation, arguments.chain_by_count, arguments.chain_by);
  table_close(relation, AccessShareLock);
  JudgeErasable(table, arguments, before);
}

void JudgeRewrite(Oid table, const Node* statement, Snapshot before) {
  if (!OidIsValid(LedgerOf(table, nullptr))) return;
  bool harmless = IsA(statement, AlterTableStmt);
  ListCell* cell;
  foreach (cell, harmless ? reinterpret_cast<const AlterTableStmt*>(statement)->cmds : NIL) {
    const auto* const command = lfirst_node(AlterTableCmd, cell);
    if (command->subtype != AT_AlterColumnType) continue;
    const bool converted = reinterpret_cast<const ColumnDef*>(command->def)->raw_default != nullptr;
    const AttrNumber number = get_attnum(table, command->name);
    const ColumnFacts* const was = Find(ColumnsOf(table, before), number);
    const ColumnFacts* const is = Find(ColumnsOf(table, nullptr), number);
    if (converted || was == nullptr || is == nullptr || !Widens(was->type, is->type))
      harmless = false;
  }
  if (harmless) return;
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("values of ledger \"%s\" cannot be converted: its hashes cover their text",
                         get_rel_name(table)),
                  errhint("Add a nullable column of the other type for new rows.")));
}

void RecordTableChanges(Oid table, Snapshot before) {
  LedgerArguments arguments;
  TableFacts was;
  TableFacts is;
  if (!ReadLedgerArguments(table, &arguments) || !ReadTable(table, before, &was) ||
      !ReadTable(table, nullptr, &is))
    return;
  const char* const id = IdText(arguments.id);
  if (strcmp(NameStr(was.name), NameStr(is.name)) != 0 || was.schema != is.schema) {
    RecordEvent("ledger.renamed",
                EventDetail()
                    .Text("ledger", QualifiedName(table))
                    .Text("ledger_id", id)
                    .Text("former_name", quote_qualified_identifier(get_namespace_name(was.schema),
                                                                    NameStr(was.name))));
  }
  if (was.owner != is.owner) {
    RecordEvent("ledger.owner_changed",
                EventDetail()
                    .Text("ledger", QualifiedName(table))
                    .Text("ledger_id", id)
                    .Text("owner", GetUserNameFromId(is.owner, false))
                    .Text("former_owner", GetUserNameFromId(was.owner, false)));
  }
  RecordColumnChanges(table, id, before);
}

}  // namespace bulla
