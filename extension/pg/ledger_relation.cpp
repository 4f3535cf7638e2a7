#include "pg/ledger_relation.h"

extern "C" {
#include "access/genam.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
}

#include <algorithm>

#include "pg/lost_labels.h"
#include "pg/relation_cache.h"
#include "pg/subscriptions.h"

namespace bulla {
namespace {

RelationCache<LedgerRelation>* Descriptions() {
  static RelationCache<LedgerRelation>* cache = nullptr;
  if (cache == nullptr) cache = RelationCache<LedgerRelation>::Make("bulla ledgers");
  return cache;
}

const LedgerFault* NewFault(int sqlstate, const char* message, const char* detail,
                            const char* hint) {
  auto* const fault = static_cast<LedgerFault*>(palloc(sizeof(LedgerFault)));
  *fault = {sqlstate, message, detail, hint};
  return fault;
}

int FindAttribute(Relation relation, const char* name, Oid type, const LedgerFault** fault) {
  const TupleDesc columns = RelationGetDescr(relation);
  for (int i = 0; i < columns->natts; ++i) {
    const FormData_pg_attribute* const column = TupleDescAttr(columns, i);
    if (!column->attisdropped && strcmp(NameStr(column->attname), name) == 0 &&
        column->atttypid == type)
      return i;
  }
  *fault = NewFault(ERRCODE_UNDEFINED_COLUMN,
                    psprintf("ledger \"%s\" has no column \"%s\" of type %s",
                             RelationGetRelationName(relation), name, format_type_be(type)),
                    nullptr, nullptr);
  return -1;
}

bool IsLedgerColumn(const FormData_pg_attribute* column, const LedgerArguments& arguments) {
  const char* const name = NameStr(column->attname);
  return strcmp(name, "seq") == 0 || strcmp(name, "prev_hash") == 0 || strcmp(name, "hash") == 0 ||
         (arguments.erasable_count > 0 && strcmp(name, "openings") == 0);
}

bool IsErasable(const char* name, const LedgerArguments& arguments) {
  for (int i = 0; i < arguments.erasable_count; ++i)
    if (strcmp(arguments.erasable[i], name) == 0) return true;
  return false;
}

int FindColumn(LedgerRelation* ledger, const char* name, const char* named_by) {
  for (int i = 0; i < ledger->column_count; ++i) {
    if (strcmp(ledger->columns[i].name, name) == 0) return i;
  }
  ledger->fault = NewFault(ERRCODE_UNDEFINED_COLUMN,
                           psprintf("ledger \"%s\" has no column \"%s\", which its %s names",
                                    get_rel_name(ledger->relation), name, named_by),
                           nullptr, "Rename the column back.");
  return -1;
}

void CopyArguments(const Trigger* trigger, LedgerArguments* parsed) {
  char** const arguments = static_cast<char**>(palloc(sizeof(char*) * (trigger->tgnargs + 1)));
  for (int i = 0; i < trigger->tgnargs; ++i) arguments[i] = pstrdup(trigger->tgargs[i]);
  if (!ParseLedgerArguments(trigger->tgnargs, arguments, parsed)) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
                    errmsg("trigger \"%s\" has arguments that bulla.create_ledger does not write",
                           trigger->tgname)));
  }
}

// Copies the arguments of a ledger's triggers from the topmost table that has them: the relation itself
// or one it is a partition of. Returns that table, InvalidOid where there is none.
Oid FindRoot(Relation relation, LedgerArguments* arguments) {
  List* tables = list_make1_oid(RelationGetRelid(relation));
  if (relation->rd_rel->relispartition)
    tables = list_concat(tables, get_partition_ancestors(RelationGetRelid(relation)));
  Oid root = InvalidOid;
  ListCell* cell;
  foreach (cell, tables) {
    const Relation table = table_open(lfirst_oid(cell), AccessShareLock);
    if (const Trigger* const trigger = FindLedgerTrigger(table)) {
      CopyArguments(trigger, arguments);
      root = RelationGetRelid(table);
    }
    table_close(table, AccessShareLock);
  }
  return root;
}

// A valid btree over exactly (chain_by…, seq), all ascending, without predicate or expression.
bool ServesAsHeadIndex(Relation index, const LedgerRelation* ledger) {
  const Form_pg_index form = index->rd_index;
  const int chain_by_count = ledger->arguments.chain_by_count;
  if (index->rd_rel->relam != BTREE_AM_OID || !form->indisvalid || !form->indisready ||
      form->indnkeyatts != chain_by_count + 1 || RelationGetIndexPredicate(index) != NIL) {
    return false;
  }
  for (int i = 0; i <= chain_by_count; ++i) {
    const int attribute =
        i < chain_by_count ? ledger->columns[ledger->chain_by[i]].attribute : ledger->seq;
    if (form->indkey.values[i] != attribute + 1 || index->rd_indoption[i] != 0) return false;
  }
  return true;
}

Oid FindHeadIndex(Relation relation, const LedgerRelation* ledger) {
  Oid found = InvalidOid;
  ListCell* cell;
  foreach (cell, RelationGetIndexList(relation)) {
    const Relation index = index_open(lfirst_oid(cell), AccessShareLock);
    if (ServesAsHeadIndex(index, ledger) && (!OidIsValid(found) || index->rd_index->indisunique)) {
      found = lfirst_oid(cell);
    }
    index_close(index, AccessShareLock);
  }
  return found;
}

void Describe(Relation relation, LedgerRelation* ledger) {
  ledger->root = FindRoot(relation, &ledger->arguments);
  if (!OidIsValid(ledger->root)) {
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("table \"%s\" is not a ledger", RelationGetRelationName(relation)),
                    errhint("bulla.create_ledger makes it one; bulla.ledgers lists them.")));
  }
  const LedgerArguments& arguments = ledger->arguments;
  const int chain_by_count = arguments.chain_by_count;
  ledger->fault = nullptr;
  ledger->seq = FindAttribute(relation, "seq", INT8OID, &ledger->fault);
  ledger->prev_hash = FindAttribute(relation, "prev_hash", BYTEAOID, &ledger->fault);
  ledger->hash = FindAttribute(relation, "hash", BYTEAOID, &ledger->fault);
  ledger->openings = arguments.erasable_count > 0
                         ? FindAttribute(relation, "openings", BYTEAOID, &ledger->fault)
                         : -1;
  if (ledger->fault != nullptr) return;
  ledger->columns = DescribeColumns(relation, arguments, &ledger->column_count, &ledger->fault);
  if (ledger->fault != nullptr) return;
  ledger->chain_by = static_cast<int*>(palloc(sizeof(int) * (chain_by_count + 1)));
  for (int i = 0; i < chain_by_count; ++i)
    ledger->chain_by[i] = FindColumn(ledger, arguments.chain_by[i], "chain_by");
  for (int i = 0; i < arguments.erasable_count; ++i)
    FindColumn(ledger, arguments.erasable[i], "list of erasable columns");
  if (ledger->fault != nullptr) return;
  ledger->head_index = FindHeadIndex(relation, ledger);
  ledger->subscription = SubscriptionOf(ledger->root);
  ledger->later_trigger = FindLaterTrigger(relation) != nullptr;
}

void SubscriptionsChanged(Datum, int, uint32) { Descriptions()->InvalidateAll(); }

}  // namespace

void WatchLedgerRelations() {
  Descriptions();
  CacheRegisterSyscacheCallback(SUBSCRIPTIONRELMAP, SubscriptionsChanged, Datum{0});
}

void RaiseFault(const LedgerFault* fault) {
  if (fault == nullptr) return;
  ereport(ERROR, (errcode(fault->sqlstate), errmsg("%s", fault->message),
                  fault->detail != nullptr ? errdetail("%s", fault->detail) : 0,
                  fault->hint != nullptr ? errhint("%s", fault->hint) : 0));
}

LedgerColumn* DescribeColumns(Relation relation, const LedgerArguments& arguments, int* count,
                              const LedgerFault** fault) {
  *fault = nullptr;
  const TupleDesc attributes = RelationGetDescr(relation);
  auto* const columns =
      static_cast<LedgerColumn*>(palloc0(sizeof(LedgerColumn) * (attributes->natts + 1)));
  size_t bound = kRecordFrameSize + (arguments.chain_by_count > 0 ? kMaxChainKeySize : 0);
  *count = 0;
  for (int i = 0; i < attributes->natts; ++i) {
    const FormData_pg_attribute* const attribute = TupleDescAttr(attributes, i);
    if (attribute->attisdropped || attribute->attgenerated != '\0' ||
        IsLedgerColumn(attribute, arguments))
      continue;
    LedgerColumn& column = columns[(*count)++];
    column.attribute = i;
    column.name = pstrdup(NameStr(attribute->attname));
    column.name_size = strlen(column.name);
    column.type_oid = attribute->atttypid;
    if (!DescribeValueType(attribute->atttypid, &column.type)) {
      *fault = NewFault(
          ERRCODE_FEATURE_NOT_SUPPORTED,
          psprintf("column \"%s\" of ledger \"%s\" has type %s, whose text can change by itself",
                   column.name, RelationGetRelationName(relation),
                   format_type_be(attribute->atttypid)),
          WhyTextCanChange(attribute->atttypid),
          "Use a built-in type that names no other object (text, numbers, times, uuid, jsonb, "
          "bytea, network addresses), an enum, or arrays, domains, ranges and composite types of "
          "these.");
      return nullptr;
    }
    column.has_enums = HasEnums(attribute->atttypid);
    column.erasable = IsErasable(column.name, arguments);
    bound += column.erasable ? ErasableColumnSize(column.name_size)
                             : ColumnSizeBound(column.name_size, column.type.size_bound);
  }
  if (bound > kMaxRecordSize) {
    *fault =
        NewFault(ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                 psprintf("a record of \"%s\" could take %zu bytes, which exceeds the limit of %zu",
                          RelationGetRelationName(relation), bound, kMaxRecordSize),
                 nullptr, "Use fewer columns, or gather some of them in one jsonb column.");
    return nullptr;
  }
  std::sort(columns, columns + *count, [](const LedgerColumn& a, const LedgerColumn& b) {
    return strcmp(a.name, b.name) < 0;
  });
  return columns;
}

LedgerRelation* LookAtLedger(Relation relation) {
  LedgerRelation* const ledger = Descriptions()->Find(
      relation, [&](LedgerRelation* description) { Describe(relation, description); });
  if (ledger->fault != nullptr) ledger->valid = false;  // a type is mended without a change here
  return ledger;
}

LedgerRelation* DescribeLedger(Relation relation) {
  LedgerRelation* const ledger = LookAtLedger(relation);
  RaiseFault(ledger->fault);
  return ledger;
}

const LedgerFault* FindFault(Oid ledger) {
  const LedgerFault* fault = nullptr;
  ListCell* cell;
  foreach (cell, find_all_inheritors(ledger, AccessShareLock, nullptr)) {
    if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_FOREIGN_TABLE) continue;
    const Relation relation = table_open(lfirst_oid(cell), AccessShareLock);
    if (lfirst_oid(cell) == ledger) Descriptions()->EntryOf(relation)->valid = false;
    fault = LookAtLedger(relation)->fault;
    table_close(relation, AccessShareLock);
    if (fault != nullptr) break;
  }
  return fault;
}

bool IsOwnColumn(const LedgerRelation* ledger, int attribute) {
  return attribute == ledger->seq || attribute == ledger->prev_hash || attribute == ledger->hash ||
         attribute == ledger->openings;
}

LedgerId IdOfLedger(Oid table) {
  const Relation relation = table_open(table, AccessShareLock);
  const LedgerId id = LookAtLedger(relation)->arguments.id;
  table_close(relation, AccessShareLock);
  return id;
}

const char* QualifiedName(Oid table) {
  return quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)),
                                    get_rel_name(table));
}

LedgerRelation* DescribeWholeLedger(Relation relation) {
  LedgerRelation* const ledger = LookAtWholeLedger(relation);
  RaiseFault(ledger->fault);
  return ledger;
}

LedgerRelation* LookAtWholeLedger(Relation relation) {
  LedgerRelation* const ledger = LookAtLedger(relation);
  if (ledger->root != RelationGetRelid(relation)) {
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("\"%s\" is a partition of ledger \"%s\"",
                           RelationGetRelationName(relation), get_rel_name(ledger->root)),
                    errhint("Name the ledger itself.")));
  }
  return ledger;
}

}  // namespace bulla
