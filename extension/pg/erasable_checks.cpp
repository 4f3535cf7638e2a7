// Which columns bulla.create_ledger takes as erasable: those that can be set NULL without anything but the
// value being lost.

#include "pg/ledger_checks.h"

extern "C" {
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "nodes/bitmapset.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

#include "pg/ddl_catalog.h"

namespace bulla {
namespace {

[[noreturn]] void Refuse(int sqlstate, const char* name, const char* because, const char* hint) {
  ereport(ERROR, (errcode(sqlstate), errmsg("column \"%s\" cannot be erasable: %s", name, because),
                  errhint("%s", hint)));
}

bool Names(List* names, const char* name) {
  ListCell* cell;
  foreach (cell, names)
    if (strcmp(static_cast<const char*>(lfirst(cell)), name) == 0) return true;
  return false;
}

bool IsBullas(const char* name) {
  for (const char* const own : {"seq", "prev_hash", "hash", "blind", "openings"})
    if (strcmp(own, name) == 0) return true;
  return false;
}

// Whether the expression is false, and not only unknown, where the column is NULL.
bool IsFalseForNull(Node* expression, Oid table, AttrNumber number) {
  Oid type;
  Oid collation;
  int32 modifier;
  get_atttypetypmodcoll(table, number, &type, &modifier, &collation);
  NullTest* const is_null = makeNode(NullTest);
  is_null->arg = reinterpret_cast<Expr*>(makeVar(1, number, type, modifier, collation, 0));
  is_null->nulltesttype = IS_NULL;
  is_null->location = -1;
  // Without evaluating anything: functions in it are those of the table's owner.
  List* const check =
      make_ands_implicit(canonicalize_qual(reinterpret_cast<Expr*>(expression), true));
  return predicate_refuted_by(check, list_make1(is_null), false);
}

// At some level of the table's partitioning.
bool IsInPartitionKey(Relation table, const char* name) {
  ListCell* cell;
  foreach (cell, find_all_inheritors(RelationGetRelid(table), NoLock, nullptr)) {
    if (get_rel_relkind(lfirst_oid(cell)) != RELKIND_PARTITIONED_TABLE) continue;
    const Relation level = table_open(lfirst_oid(cell), NoLock);
    Bitmapset* const column =
        bms_make_singleton(get_attnum(lfirst_oid(cell), name) - FirstLowInvalidHeapAttributeNumber);
    bool in_expression;
    const bool found = has_partition_attrs(level, column, &in_expression);
    table_close(level, NoLock);
    if (found) return true;
  }
  return false;
}

void CheckMayBeNull(Relation table, const char* name) {
  ListCell* cell;
  foreach (cell, find_all_inheritors(RelationGetRelid(table), NoLock, nullptr)) {
    const char* refusal = RefusalOfNull(lfirst_oid(cell), name, nullptr);
    if (refusal == nullptr) continue;
    if (lfirst_oid(cell) != RelationGetRelid(table))
      refusal = psprintf("in partition \"%s\" %s", get_rel_name(lfirst_oid(cell)), refusal);
    Refuse(ERRCODE_INVALID_TABLE_DEFINITION, name, psprintf("%s, and erasing sets NULL", refusal),
           "Run ALTER TABLE … ALTER COLUMN … DROP NOT NULL or DROP CONSTRAINT first; use a domain "
           "that allows nulls.");
  }
}

void CheckColumn(Relation table, const char* name) {
  const AttrNumber number = get_attnum(RelationGetRelid(table), name);
  if (number <= 0) {
    if (IsBullas(name)) {
      Refuse(ERRCODE_INVALID_TABLE_DEFINITION, name, "it is one of Bulla's own",
             "Name columns that hold the data to be erased.");
    }
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                    errmsg("erasable names \"%s\", which is no column of \"%s\"", name,
                           RelationGetRelationName(table))));
  }
  const FormData_pg_attribute* const column = TupleDescAttr(RelationGetDescr(table), number - 1);
  CheckMayBeNull(table, name);
  if (column->attgenerated != '\0') {
    Refuse(ERRCODE_INVALID_TABLE_DEFINITION, name, "it is a generated column",
           "Name the columns it is generated from: it is computed anew when they are erased.");
  }
  if (IsInPartitionKey(table, name)) {
    Refuse(ERRCODE_INVALID_TABLE_DEFINITION, name, "it is part of a partition key",
           "Partition by a column that stays.");
  }
}

}  // namespace

bool DomainRefusesNull(Oid type) {
  while (get_typtype(type) == TYPTYPE_DOMAIN) {
    const HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
    if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for type %u", type);
    const auto* const domain = reinterpret_cast<Form_pg_type>(GETSTRUCT(tuple));
    const bool not_null = domain->typnotnull;
    type = domain->typbasetype;
    ReleaseSysCache(tuple);
    if (not_null) return true;
  }
  return false;
}

const char* RefusalOfNull(Oid table, const char* column, Snapshot snapshot) {
  const ColumnFacts* found = nullptr;
  ListCell* cell;
  foreach (cell, ColumnsOf(table, snapshot)) {
    const auto* const facts = static_cast<const ColumnFacts*>(lfirst(cell));
    if (!facts->dropped && strcmp(NameStr(facts->name), column) == 0) found = facts;
  }
  if (found == nullptr) return nullptr;
  if (found->not_null) return "it is NOT NULL";
  if (DomainRefusesNull(found->type)) return "its domain is NOT NULL";
  foreach (cell, ChecksOf(table, snapshot)) {
    const auto* const check = static_cast<const CheckFacts*>(lfirst(cell));
    if (IsFalseForNull(check->expression, table, static_cast<AttrNumber>(found->number)))
      return psprintf("constraint \"%s\" refuses NULL", NameStr(check->name));
  }
  return nullptr;
}

void CheckErasable(Relation table, const LedgerOptions& options) {
  List* seen = NIL;
  ListCell* cell;
  foreach (cell, options.erasable) {
    auto* const name = static_cast<char*>(lfirst(cell));
    if (Names(options.chain_by, name)) {
      Refuse(ERRCODE_INVALID_TABLE_DEFINITION, name, "it is in chain_by",
             "A row belongs to its chain for ever: let chain_by name a number or a uuid that says "
             "nothing by itself.");
    }
    CheckColumn(table, name);
    if (Names(seen, name)) {
      ereport(ERROR,
              (errcode(ERRCODE_DUPLICATE_COLUMN), errmsg("erasable names \"%s\" twice", name)));
    }
    seen = lappend(seen, name);
  }
}

}  // namespace bulla
