#include "pg/whole_row.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_index.h"
#include "catalog/pg_rewrite.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/syscache.h"
}

#include "pg/versions.h"

namespace bulla {
namespace {

struct Walk {
  List* tables;
  List* queries;  // from the innermost
};

// The rows of a table, or of a join that has the columns of one.
bool HasRowsOfTables(const RangeTblEntry* entry, const Query* query, List* tables) {
  if (entry->rtekind == RTE_RELATION) return list_member_oid(tables, entry->relid);
  if (entry->rtekind != RTE_JOIN) return false;
  ListCell* cell;
  foreach (cell, query->rtable) {
    const auto* const other = lfirst_node(RangeTblEntry, cell);
    if (other->rtekind == RTE_RELATION && list_member_oid(tables, other->relid)) return true;
  }
  return false;
}

bool QueryReadsWholeRow(Query* query, const Walk& outer);

bool ReadsWholeRow(Node* node, void* context) {
  const auto* const walk = static_cast<const Walk*>(context);
  if (node == nullptr) return false;
  if (IsA(node, Query)) return QueryReadsWholeRow(castNode(Query, node), *walk);
  if (IsA(node, Var)) {
    const auto* const var = castNode(Var, node);
    if (var->varattno != InvalidAttrNumber) return false;
    const auto level = static_cast<int>(var->varlevelsup);
    if (level >= list_length(walk->queries)) return false;
    const auto* const query = static_cast<const Query*>(list_nth(walk->queries, level));
    return HasRowsOfTables(rt_fetch(var->varno, query->rtable), query, walk->tables);
  }
  return expression_tree_walker(node, AsTreeWalker(ReadsWholeRow), context);
}

bool QueryReadsWholeRow(Query* query, const Walk& outer) {
  Walk walk = {outer.tables, lcons(query, list_copy(outer.queries))};
  return query_tree_walker(query, AsTreeWalker(ReadsWholeRow), &walk, QTW_IGNORE_JOINALIASES);
}

// The view that a rule is of, where what the rule does reads whole rows.
Oid ViewThatReads(Oid rule, List* tables) {
  Oid view = InvalidOid;
  ScanKeyData key;
  ScanKeyInit(&key, Anum_pg_rewrite_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(rule));
  const Relation catalog = table_open(RewriteRelationId, AccessShareLock);
  const SysScanDesc scan = systable_beginscan(catalog, RewriteOidIndexId, true, nullptr, 1, &key);
  const HeapTuple row = systable_getnext(scan);
  bool null = true;
  const Datum action = HeapTupleIsValid(row) ? heap_getattr(row, Anum_pg_rewrite_ev_action,
                                                            RelationGetDescr(catalog), &null)
                                             : Datum{0};
  Walk walk = {tables, NIL};
  if (!null && ReadsWholeRow(static_cast<Node*>(stringToNode(TextDatumGetCString(action))), &walk))
    view = reinterpret_cast<Form_pg_rewrite>(GETSTRUCT(row))->ev_class;
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
  return view;
}

// Whatever a rule reads of a table, it depends on it.
List* RulesOver(Oid table) {
  List* rules = NIL;
  ScanKeyData keys[2];
  ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
              ObjectIdGetDatum(RelationRelationId));
  ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
              ObjectIdGetDatum(table));
  const Relation catalog = table_open(DependRelationId, AccessShareLock);
  const SysScanDesc scan =
      systable_beginscan(catalog, DependReferenceIndexId, true, nullptr, 2, keys);
  while (const HeapTuple row = systable_getnext(scan)) {
    const auto* const depends = reinterpret_cast<const FormData_pg_depend*>(GETSTRUCT(row));
    if (depends->classid == RewriteRelationId)
      rules = list_append_unique_oid(rules, depends->objid);
  }
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
  return rules;
}

// As it was written: planned, a function of the row may have become a column.
bool PartReadsWholeRow(Relation index, AttrNumber part) {
  bool null;
  const Datum stored = SysCacheGetAttr(INDEXRELID, index->rd_indextuple, part, &null);
  if (null) return false;
  Bitmapset* read = nullptr;
  pull_varattnos(static_cast<Node*>(stringToNode(TextDatumGetCString(stored))), 1, &read);
  return bms_is_member(InvalidAttrNumber - FirstLowInvalidHeapAttributeNumber, read);
}

bool IndexReadsWholeRow(Oid index) {
  const Relation relation = index_open(index, AccessShareLock);
  const bool reads = PartReadsWholeRow(relation, Anum_pg_index_indexprs) ||
                     PartReadsWholeRow(relation, Anum_pg_index_indpred);
  index_close(relation, AccessShareLock);
  return reads;
}

List* IndexesOf(Oid table) {
  const Relation relation = table_open(table, AccessShareLock);
  List* const indexes = RelationGetIndexList(relation);
  table_close(relation, NoLock);
  return indexes;
}

}  // namespace

List* WholeRowReaders(List* tables) {
  List* readers = NIL;
  ListCell* table;
  foreach (table, tables) {
    ListCell* cell;
    foreach (cell, RulesOver(lfirst_oid(table))) {
      const Oid view = ViewThatReads(lfirst_oid(cell), tables);
      if (OidIsValid(view)) readers = list_append_unique_oid(readers, view);
    }
    foreach (cell, IndexesOf(lfirst_oid(table)))
      if (IndexReadsWholeRow(lfirst_oid(cell))) readers = lappend_oid(readers, lfirst_oid(cell));
  }
  return readers;
}

}  // namespace bulla
