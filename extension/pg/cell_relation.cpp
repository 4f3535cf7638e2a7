#include "pg/cell_relation.h"

extern "C" {
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
}

#include "pg/boundary.h"
#include "pg/cell_keys.h"
#include "pg/key_tables.h"
#include "pg/relation_cache.h"
#include "pg/relation_changes.h"
#include "pg/row_record.h"
#include "pg/value_text.h"

namespace bulla {
namespace {

// The protected columns of one table or partition.
struct CellRelation {
  Oid relation;  // hash key; must be first
  bool valid;
  MemoryContext memory;

  int count;
  Cell** cells;
};

Oid key_versions = InvalidOid;  // a change of keys is announced as one of this table

void KeysMayHaveChanged(Datum cache, Oid relation) {
  if (OidIsValid(relation) && relation == key_versions)
    reinterpret_cast<RelationCache<CellRelation>*>(DatumGetPointer(cache))->InvalidateAll();
}

RelationCache<CellRelation>* Relations() {
  static RelationCache<CellRelation>* cache = nullptr;
  if (cache == nullptr) {
    cache = RelationCache<CellRelation>::Make("bulla protected columns");
    ListenForRelationChanges(KeysMayHaveChanged, PointerGetDatum(cache));
  }
  return cache;
}

[[noreturn]] void RaiseBroken(Relation relation, const char* because) {
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("the protection of a column of \"%s\" is broken: %s",
                  RelationGetRelationName(relation), because),
           errhint("bulla.protected_columns shows what is protected. Put the column or trigger "
                   "back, or call bulla.unprotect_column and bulla.protect_column.")));
}

const FormData_pg_attribute* LiveColumn(Relation relation, AttrNumber number) {
  const TupleDesc columns = RelationGetDescr(relation);
  if (number < 1 || number > columns->natts || TupleDescAttr(columns, number - 1)->attisdropped)
    RaiseBroken(relation, "a column that it names is gone");
  return TupleDescAttr(columns, number - 1);
}

void DescribeBound(Relation relation, AttrNumber number, const char* name, BoundColumn* bound) {
  const FormData_pg_attribute* const column = LiveColumn(relation, number);
  if (!column->attnotnull || column->attgenerated != '\0')
    RaiseBroken(relation,
                psprintf("column \"%s\", which values are bound to, is %s",
                         NameStr(column->attname), column->attnotnull ? "generated" : "nullable"));
  if (!DescribeValueType(column->atttypid, &bound->type))
    RaiseBroken(relation, "a column that values are bound to has another type");
  bound->attribute = number - 1;
  bound->name = pstrdup(name);
  bound->name_size = strlen(name);
  bound->name_now = pstrdup(NameStr(column->attname));
  bound->type_oid = column->atttypid;
  bound->type_modifier = column->atttypmod;
}

// The topmost table with this protection: the relation, or one that it is a partition of.
void FindRoot(Relation relation, Cell* cell) {
  cell->root = RelationGetRelid(relation);
  cell->table = pstrdup(RelationGetRelationName(relation));
  if (!relation->rd_rel->relispartition) return;
  ListCell* ancestor;
  foreach (ancestor, get_partition_ancestors(RelationGetRelid(relation))) {
    const Relation table = table_open(lfirst_oid(ancestor), AccessShareLock);
    if (FindNameTrigger(table, cell->id) != nullptr) {
      cell->root = lfirst_oid(ancestor);
      cell->table = pstrdup(RelationGetRelationName(table));
    }
    table_close(table, AccessShareLock);
  }
}

Cell* Describe(Relation relation, const Trigger* trigger) {
  const CellArguments arguments = ParseCellArguments(trigger->tgnargs, trigger->tgargs);
  auto* const cell = static_cast<Cell*>(palloc0(sizeof(Cell)));
  cell->id = arguments.id;
  if (trigger->tgnattr != arguments.bound_count + 1)
    RaiseBroken(relation, "the trigger that names its columns names others");
  const FormData_pg_attribute* const column = LiveColumn(relation, trigger->tgattr[0]);
  cell->attribute = trigger->tgattr[0] - 1;
  cell->column = pstrdup(NameStr(column->attname));
  cell->bytes = column->atttypid == BYTEAOID;
  if (!cell->bytes && column->atttypid != TEXTOID && column->atttypid != VARCHAROID)
    RaiseBroken(relation, "the column has another type");
  cell->bound_count = arguments.bound_count;
  cell->bound =
      static_cast<BoundColumn*>(palloc0(sizeof(BoundColumn) * (arguments.bound_count + 1)));
  for (int i = 0; i < arguments.bound_count; ++i)
    DescribeBound(relation, trigger->tgattr[i + 1], arguments.bound[i], &cell->bound[i]);
  cell->key_id = arguments.key;
  cell->key_name = NameOfKey(arguments.key);
  FindRoot(relation, cell);
  return cell;
}

void DescribeAll(Relation relation, CellRelation* described) {
  key_versions = KeyTable("key_versions");
  const int columns = RelationGetDescr(relation)->natts;
  described->cells = static_cast<Cell**>(palloc0(sizeof(Cell*) * columns));
  for (AttrNumber number = 1; number <= columns; ++number)
    if (const Trigger* const trigger = FindNameTrigger(relation, number))
      described->cells[described->count++] = Describe(relation, trigger);
}

CellContextWriter* BackendContext() {
  static CellContextWriter* const writer = Enter([]() -> Result<CellContextWriter*> {
    return new CellContextWriter;
  });  // never freed: lives as long as the backend
  return writer;
}

}  // namespace

Cell* DescribeCell(Relation relation, const Trigger* trigger) {
  const CellId id = ParseCellArguments(trigger->tgnargs, trigger->tgargs).id;
  const CellRelation* const described =
      Relations()->Find(relation, [&](CellRelation* empty) { DescribeAll(relation, empty); });
  for (int i = 0; i < described->count; ++i)
    if (described->cells[i]->id == id) return described->cells[i];
  RaiseBroken(relation, "the trigger that names its columns is gone");
}

Cell* DescribeCell(Relation relation, const char* column) {
  const AttrNumber number = get_attnum(RelationGetRelid(relation), column);
  if (number == InvalidAttrNumber) {
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_COLUMN),
             errmsg("\"%s\" has no column \"%s\"", RelationGetRelationName(relation), column)));
  }
  const Trigger* const trigger = number > 0 ? FindNameTrigger(relation, number) : nullptr;
  if (trigger == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("column \"%s\" of \"%s\" is not protected", column,
                           RelationGetRelationName(relation)),
                    errhint("bulla.protected_columns lists the columns that are.")));
  }
  return DescribeCell(relation, trigger);
}

Bytes ContextOfRow(Cell* cell, const Datum* values, const bool* nulls) {
  CellContextWriter* const context = BackendContext();
  context->Begin(cell->id);
  for (int i = 0; i < cell->bound_count; ++i) {
    BoundColumn& bound = cell->bound[i];
    if (nulls[bound.attribute]) {
      ereport(ERROR, (errcode(ERRCODE_NOT_NULL_VIOLATION),
                      errmsg("column \"%s\" is null, to which the value of protected column \"%s\" "
                             "is bound",
                             bound.name_now, cell->column)));
    }
    const std::string_view text = ValueText(&bound.type, values[bound.attribute]);
    context->Column(AsBytes({bound.name, bound.name_size}), AsBytes(text), BackendHasher());
  }
  if (!context->ok()) elog(ERROR, "the context of a protected column cannot be written");
  return context->context();
}

Datum ContextDatum(Bytes context) {
  auto* const copy = static_cast<varlena*>(palloc(VARHDRSZ + context.size()));
  SET_VARSIZE(copy, VARHDRSZ + context.size());
  memcpy(VARDATA(copy), context.data(), context.size());
  return PointerGetDatum(copy);
}

}  // namespace bulla
