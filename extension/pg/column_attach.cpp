#include "pg/column_attach.h"

extern "C" {
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
}

#include "pg/cell_relation.h"
#include "pg/cell_triggers.h"
#include "pg/cell_value.h"
#include "pg/ddl_catalog.h"
#include "pg/ledger_relation.h"

namespace bulla {
namespace {

// Directly, past row-level security.
bool HasPlaintext(Oid leaf, const Cell* cell) {
  const Relation relation = table_open(leaf, AccessShareLock);
  const AttrNumber column = get_attnum(leaf, cell->column);
  TupleTableSlot* const row = table_slot_create(relation, nullptr);
  const TableScanDesc scan = table_beginscan(relation, GetActiveSnapshot(), 0, nullptr);
  const MemoryContext caller = CurrentMemoryContext;
  const MemoryContext each =
      AllocSetContextCreate(caller, "bulla attached rows", ALLOCSET_DEFAULT_SIZES);
  bool found = false;
  while (!found && table_scan_getnextslot(scan, ForwardScanDirection, row)) {
    CHECK_FOR_INTERRUPTS();
    MemoryContextSwitchTo(each);
    bool null;
    const Datum value = slot_getattr(row, column, &null);
    found = !null && !IsSealed(cell, value);
    MemoryContextSwitchTo(caller);
    MemoryContextReset(each);
  }
  MemoryContextDelete(each);
  table_endscan(scan);
  ExecDropSingleTupleTableSlot(row);
  table_close(relation, NoLock);
  return found;
}

bool HasPlaintextAnywhere(Oid partition, const Cell* cell) {
  bool found = false;
  ListCell* leaf;
  PushActiveSnapshot(GetLatestSnapshot());
  foreach (leaf, find_all_inheritors(partition, AccessShareLock, nullptr))
    found = found || (get_rel_relkind(lfirst_oid(leaf)) == RELKIND_RELATION &&
                      HasPlaintext(lfirst_oid(leaf), cell));
  PopActiveSnapshot();
  return found;
}

// Seals what is there for the rows of the table it goes to.
const char* SealingStatement(Oid partition, const Cell* cell) {
  const char* const column = quote_identifier(cell->column);
  StringInfoData sql;
  initStringInfo(&sql);
  appendStringInfo(&sql, "UPDATE %s SET %s = bulla.encrypt(%s, %s, bulla.context(%s, %s",
                   QualifiedName(partition), column, column,
                   quote_literal_cstr(RequireKeyName(cell)),
                   quote_literal_cstr(QualifiedName(cell->root)), quote_literal_cstr(cell->column));
  for (int i = 0; i < cell->bound_count; ++i)
    appendStringInfo(&sql, ", %s", quote_identifier(cell->bound[i].name_now));
  appendStringInfo(&sql, ")) WHERE NOT bulla.is_encrypted(%s)", column);
  return sql.data;
}

void RefusePlaintext(Oid partition, const Cell* cell) {
  if (!HasPlaintextAnywhere(partition, cell)) return;
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("\"%s\" cannot be attached: it has values of protected column \"%s\" of "
                  "\"%s\" that are not sealed",
                  get_rel_name(partition), cell->column, cell->table),
           errhint("Seal them for their new place first: %s. Or insert the rows instead. For "
                   "a restore, a superuser can set bulla.restore = on.",
                   SealingStatement(partition, cell))));
}

void RefuseOwnProtection(Oid partition, Oid table) {
  const Relation relation = table_open(partition, AccessShareLock);
  const bool own = IsProtectedByItself(relation);
  table_close(relation, NoLock);
  if (!own) return;
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("\"%s\" cannot be attached to \"%s\": columns of both are protected",
                  get_rel_name(partition), get_rel_name(table)),
           errhint("What is sealed in the one does not open in the other. Insert its rows, opened "
                   "by bulla.open, into \"%s\" instead.",
                   get_rel_name(table))));
}

}  // namespace

void JudgeNewPartitions(Oid table, Snapshot before) {
  if (get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE) return;
  List* const was = ChildrenOf(table, before);
  ListCell* child;
  foreach (child, ChildrenOf(table, nullptr)) {
    const Oid partition = lfirst_oid(child);
    if (list_member_oid(was, partition)) continue;
    RefuseOwnProtection(partition, table);
    const Relation relation = table_open(table, AccessShareLock);
    for (AttrNumber column = 1; column <= RelationGetDescr(relation)->natts; ++column)
      if (const Trigger* const named = FindNameTrigger(relation, column))
        RefusePlaintext(partition, DescribeCell(relation, named));
    table_close(relation, NoLock);
  }
}

}  // namespace bulla
