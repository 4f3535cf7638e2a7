#include "pg/column_checks.h"

extern "C" {
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
}

#include "core/cell_context.h"
#include "pg/cell_triggers.h"
#include "pg/ledger_relation.h"
#include "pg/value_type.h"

namespace bulla {
namespace {

[[noreturn]] void Refuse(Relation table, const char* column, const char* because,
                         const char* hint) {
  ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                  errmsg("column \"%s\" of \"%s\" cannot be protected: %s", column,
                         RelationGetRelationName(table), because),
                  errhint("%s", hint)));
}

[[noreturn]] void RefuseBinding(const char* column, int code, const char* because,
                                const char* hint) {
  ereport(ERROR, (errcode(code), errmsg("bind_to column \"%s\" %s", column, because),
                  errhint("%s", hint)));
}

const FormData_pg_attribute* Attribute(Relation table, AttrNumber number) {
  return TupleDescAttr(RelationGetDescr(table), number - 1);
}

void CheckTable(Relation table, const char* column) {
  const char kind = table->rd_rel->relkind;
  if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
    Refuse(table, column, "it is not a table's",
           "Protect the column on the server and in the table where its rows are.");
  if (table->rd_rel->relispartition)
    Refuse(table, column, "the table is a partition",
           "Protect the column of the partitioned table it belongs to.");
  const Oid oid = RelationGetRelid(table);
  if (has_superclass(oid) ||
      (kind == RELKIND_RELATION && find_inheritance_children(oid, AccessShareLock) != NIL))
    Refuse(table, column, "the table takes part in table inheritance",
           "Use declarative partitioning instead.");
  if (GetDatabaseEncoding() != PG_UTF8) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("protected columns need a database with encoding UTF8, this one has %s",
                           GetDatabaseEncodingName()),
                    errhint("Create a database with ENCODING 'UTF8'.")));
  }
}

// A ledger fills them in after the value was sealed.
bool IsLedgersOwn(Relation table, AttrNumber number) {
  return FindLedgerTrigger(table) != nullptr && IsOwnColumn(DescribeLedger(table), number - 1);
}

bool NamesChain(Relation table, AttrNumber number) {
  if (FindLedgerTrigger(table) == nullptr) return false;
  const LedgerRelation* const ledger = DescribeLedger(table);
  for (int i = 0; i < ledger->arguments.chain_by_count; ++i)
    if (ledger->columns[ledger->chain_by[i]].attribute == number - 1) return true;
  return false;
}

bool IsPartitionKey(Relation table, AttrNumber number) {
  ListCell* cell;
  foreach (cell, find_all_inheritors(RelationGetRelid(table), NoLock, nullptr)) {
    if (get_rel_relkind(lfirst_oid(cell)) != RELKIND_PARTITIONED_TABLE) continue;
    const Relation level = table_open(lfirst_oid(cell), AccessShareLock);
    const PartitionKey key = RelationGetPartitionKey(level);
    const AttrNumber here =
        get_attnum(RelationGetRelid(level), NameStr(Attribute(table, number)->attname));
    // Expressions are not looked into: none is known to be free of the column.
    bool any = key->partexprs != NIL;
    for (int i = 0; i < key->partnatts; ++i) any = any || key->partattrs[i] == here;
    table_close(level, NoLock);
    if (any) return true;
  }
  return false;
}

// Whether values of another protected column are bound to this one.
bool IsBoundTo(Relation table, AttrNumber number) {
  const TupleDesc columns = RelationGetDescr(table);
  for (AttrNumber other = 1; other <= columns->natts; ++other) {
    const Trigger* const trigger = FindNameTrigger(table, other);
    for (int i = 1; trigger != nullptr && i < trigger->tgnattr; ++i)
      if (trigger->tgattr[i] == number) return true;
  }
  return false;
}

void CheckColumn(Relation table, const char* name) {
  const AttrNumber number = ColumnNumber(table, name);
  const FormData_pg_attribute* const column = Attribute(table, number);
  if (column->attgenerated != '\0')
    Refuse(table, name, "it is a generated column",
           "Protect the column that it is generated from.");
  const Oid type = column->atttypid;
  if (type != TEXTOID && type != VARCHAROID && type != BYTEAOID)
    Refuse(table, name, psprintf("it has type %s", format_type_be(type)),
           "Columns of type text, varchar and bytea can hold sealed values.");
  if (column->atttypmod != -1)
    Refuse(table, name, "its type has a length, and sealed values are longer than their plaintext",
           "Make it a text column; a CHECK constraint would see the sealed value too.");
  if (IsLedgersOwn(table, number) || NamesChain(table, number))
    Refuse(table, name, "the ledger chains its rows by it", "Protect another column.");
  if (IsPartitionKey(table, number))
    Refuse(table, name, "rows are partitioned by it, or by an expression",
           "Partition by columns that are not sealed.");
  if (IsBoundTo(table, number))
    Refuse(table, name, "values of another protected column are bound to it",
           "Bind to columns that are not sealed.");
}

// Types whose text never changes but by an UPDATE.
bool MayBeBoundTo(Oid type) {
  ValueType described;
  const Oid base = getBaseType(type);
  return get_typtype(base) == TYPTYPE_BASE && DescribeValueType(type, &described) &&
         described.printer != Printer::kPinned;
}

void CheckBound(Relation table, const char* name, const char* of) {
  const AttrNumber number = ColumnNumber(table, name);
  const FormData_pg_attribute* const column = Attribute(table, number);
  if (strcmp(name, of) == 0)
    RefuseBinding(name, ERRCODE_INVALID_PARAMETER_VALUE, "is the protected column itself",
                  "Bind to columns that name the row, such as its primary key.");
  if (!column->attnotnull)
    RefuseBinding(name, ERRCODE_INVALID_TABLE_DEFINITION, "is nullable",
                  "Run ALTER TABLE … ALTER COLUMN … SET NOT NULL first.");
  if (column->attgenerated != '\0')
    RefuseBinding(name, ERRCODE_INVALID_TABLE_DEFINITION, "is a generated column",
                  "Generated values are not known yet when a value is sealed; use a plain column.");
  if (IsLedgersOwn(table, number))
    RefuseBinding(name, ERRCODE_INVALID_TABLE_DEFINITION, "is filled in by the ledger",
                  "Its values are not known yet when a value is sealed; use a column of your own.");
  if (FindNameTrigger(table, number) != nullptr)
    RefuseBinding(name, ERRCODE_INVALID_TABLE_DEFINITION, "is a protected column",
                  "Bind to columns that are not sealed.");
  if (!MayBeBoundTo(column->atttypid))
    RefuseBinding(
        name, ERRCODE_FEATURE_NOT_SUPPORTED,
        psprintf("has type %s", format_type_be(column->atttypid)),
        "Bind to a boolean, a number without a floating point, a text, a uuid, a date or a "
        "timestamp.");
}

}  // namespace

AttrNumber ColumnNumber(Relation table, const char* column) {
  const AttrNumber number = get_attnum(RelationGetRelid(table), column);
  if (number <= 0) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                    errmsg("\"%s\" has no column \"%s\"", RelationGetRelationName(table), column)));
  }
  return number;
}

void CheckNoTriggerAfterSealing(Relation table) {
  const Trigger* const later = FindTriggerAfterSealing(table);
  if (later == nullptr) return;
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("trigger \"%s\" of \"%s\" would fire after values are sealed",
                         later->tgname, RelationGetRelationName(table)),
                  errhint("Give it a name that sorts before \"zzz_bulla_cell\".")));
}

void CheckCanProtect(Relation table, const char* column, List* bind_to) {
  CheckTable(table, column);
  CheckColumn(table, column);
  if (list_length(bind_to) > static_cast<int>(kMaxBoundColumns)) {
    ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                    errmsg("bind_to names %d columns, %zu are the most", list_length(bind_to),
                           kMaxBoundColumns)));
  }
  ListCell* cell;
  foreach (cell, bind_to) {
    const char* const name = static_cast<const char*>(lfirst(cell));
    CheckBound(table, name, column);
    ListCell* other;
    foreach (other, bind_to) {
      if (other != cell && strcmp(name, static_cast<const char*>(lfirst(other))) == 0)
        ereport(ERROR,
                (errcode(ERRCODE_DUPLICATE_COLUMN), errmsg("bind_to names \"%s\" twice", name)));
    }
  }
  foreach (cell, find_all_inheritors(RelationGetRelid(table), NoLock, nullptr)) {
    const Relation leaf = table_open(lfirst_oid(cell), AccessShareLock);
    CheckNoTriggerAfterSealing(leaf);
    table_close(leaf, NoLock);
  }
}

}  // namespace bulla
