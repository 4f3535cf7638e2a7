#include "pg/erasure.h"

extern "C" {
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
}

#include "pg/boundary.h"
#include "pg/event_log.h"
#include "pg/permission.h"
#include "pg/row_openings.h"
#include "pg/row_record.h"
#include "pg/uuid_ids.h"
#include "pg/versions.h"

namespace bulla {
namespace {

// The row that may be changed.
struct Erasing {
  Oid relation;
  ItemPointerData row;
};

bool SameDatum(const FormData_pg_attribute* column, Datum a, bool a_null, Datum b, bool b_null) {
  return a_null == b_null && (a_null || datum_image_eq(a, b, column->attbyval, column->attlen));
}

const LedgerColumn* ErasableAt(const LedgerRelation* ledger, int attribute) {
  for (int i = 0; i < ledger->column_count; ++i) {
    const LedgerColumn& column = ledger->columns[i];
    if (column.attribute == attribute && column.erasable) return &column;
  }
  return nullptr;
}

bool IsNamed(List* names, Bytes name) {
  ListCell* cell;
  foreach (cell, names)
    if (SameBytes(AsBytes(static_cast<const char*>(lfirst(cell))), name)) return true;
  return false;
}

// The openings without the salts for which `erase` is true, as a bytea.
template <class Erase>
Datum WithoutSalts(Bytes openings, Erase&& erase) {
  auto* const erased = static_cast<bytea*>(palloc(VARHDRSZ + openings.size()));
  const MutableBytes out(reinterpret_cast<std::byte*>(VARDATA(erased)), openings.size());
  const Bytes written = EraseSalts(openings, out, erase);
  SET_VARSIZE(erased, VARHDRSZ + written.size());
  return PointerGetDatum(erased);
}

Datum WithoutSaltsOf(Bytes openings, List* names) {
  return WithoutSalts(openings,
                      [names](const Opening& opening) { return IsNamed(names, opening.name); });
}

// Those of the columns named that have a value, and their attribute numbers for the executor.
List* ColumnsWithValue(const LedgerRelation* ledger, const bool* nulls, List* names,
                       Bitmapset** attributes) {
  List* columns = NIL;
  for (int i = 0; i < ledger->column_count; ++i) {
    const LedgerColumn& column = ledger->columns[i];
    if (!column.erasable || nulls[column.attribute] ||
        !IsNamed(names, AsBytes({column.name, column.name_size})))
      continue;
    // As an UPDATE would: the domain may have got a constraint since the ledger was made.
    if (get_typtype(column.type_oid) == TYPTYPE_DOMAIN)
      domain_check(Datum{0}, true, column.type_oid, nullptr, CurrentMemoryContext);
    columns = lappend(columns, pstrdup(column.name));
    *attributes =
        bms_add_member(*attributes, column.attribute + 1 - FirstLowInvalidHeapAttributeNumber);
  }
  return columns;
}

// An executor's state for an UPDATE of these columns of the table.
EState* ExecutorFor(Relation relation, Bitmapset* updated) {
  EState* const executor = CreateExecutorState();
  RangeTblEntry* const entry = makeNode(RangeTblEntry);
  entry->rtekind = RTE_RELATION;
  entry->relid = RelationGetRelid(relation);
  entry->relkind = relation->rd_rel->relkind;
  entry->rellockmode = RowExclusiveLock;
  InitRangeTable(executor, entry, updated);
  executor->es_snapshot = GetActiveSnapshot();
  executor->es_output_cid = GetCurrentCommandId(true);
  return executor;
}

// As an UPDATE does it, with triggers, indexes and constraints. False where a trigger suppressed it.
bool Update(Relation relation, TupleTableSlot* before, TupleTableSlot* after, Bitmapset* updated) {
  PushActiveSnapshot(GetTransactionSnapshot());
  EState* const executor = ExecutorFor(relation, updated);
  EPQState epq;
  InitEvalPlanQual(&epq, executor);
  ResultRelInfo* const target = makeNode(ResultRelInfo);
  InitResultRelInfo(target, relation, 1, nullptr, 0);
  ExecOpenIndices(target, false);
  // AFTER triggers look for it here; ExecCloseResultRelations closes its indexes, and what they opened.
  executor->es_opened_result_relations = lappend(executor->es_opened_result_relations, target);
  ItemPointerSetInvalid(&after->tts_tid);
  AfterTriggerBeginQuery();
  ExecSimpleRelationUpdate(target, executor, &epq, before, after);
  const bool updated_row = ItemPointerIsValid(&after->tts_tid);
  AfterTriggerEndQuery(executor);
  ExecCloseResultRelations(executor);
  EvalPlanQualEnd(&epq);
  ExecResetTupleTable(executor->es_tupleTable, false);
  FreeExecutorState(executor);
  PopActiveSnapshot();
  CommandCounterIncrement();
  return updated_row;
}

void FillErased(const LedgerRelation* ledger, TupleTableSlot* before, List* columns,
                TupleTableSlot* after) {
  const int count = after->tts_tupleDescriptor->natts;
  memcpy(after->tts_values, before->tts_values, sizeof(Datum) * count);
  memcpy(after->tts_isnull, before->tts_isnull, sizeof(bool) * count);
  for (int i = 0; i < ledger->column_count; ++i) {
    const LedgerColumn& column = ledger->columns[i];
    if (IsNamed(columns, AsBytes({column.name, column.name_size})))
      after->tts_isnull[column.attribute] = true;
  }
  after->tts_values[ledger->openings] =
      WithoutSaltsOf(OpeningsOf(ledger, before->tts_values, before->tts_isnull), columns);
  ExecStoreVirtualTuple(after);
}

bool AnyColumn(const Opening&) { return true; }

// Openings of the same commitments, whatever was erased from either.
bool SameCommitments(const LedgerRelation* ledger, TupleTableSlot* a, TupleTableSlot* b) {
  const Bytes of_a = OpeningsOf(ledger, a->tts_values, a->tts_isnull);
  const Bytes of_b = OpeningsOf(ledger, b->tts_values, b->tts_isnull);
  return OpeningsReader(of_a).ok() && OpeningsReader(of_b).ok() &&
         datum_image_eq(WithoutSalts(of_a, AnyColumn), WithoutSalts(of_b, AnyColumn), false, -1);
}

// Whether two rows are the same but for erasable columns that are NULL in one of them; which, for each. What
// their openings say is not looked at.
bool DifferInErasures(const LedgerRelation* ledger, Relation relation, TupleTableSlot* a,
                      TupleTableSlot* b, List** null_in_a, List** null_in_b) {
  *null_in_a = *null_in_b = NIL;
  if (ledger->openings < 0) return false;
  slot_getallattrs(a);
  slot_getallattrs(b);
  for (int i = 0; i < RelationGetDescr(relation)->natts; ++i) {
    const FormData_pg_attribute* const attribute = TupleDescAttr(RelationGetDescr(relation), i);
    if (attribute->attisdropped || attribute->attgenerated != '\0' || i == ledger->openings ||
        SameDatum(attribute, a->tts_values[i], a->tts_isnull[i], b->tts_values[i],
                  b->tts_isnull[i]))
      continue;
    const LedgerColumn* const column = ErasableAt(ledger, i);
    if (column == nullptr || (!a->tts_isnull[i] && !b->tts_isnull[i])) return false;
    List** const names = a->tts_isnull[i] ? null_in_a : null_in_b;
    *names = lappend(*names, const_cast<char*>(column->name));
  }
  return true;
}

// What stands there against its openings: evidence of tampering is not erased.
void RefuseAltered(const LedgerRelation* ledger, Relation relation, TupleTableSlot* row) {
  const char* const fault =
      FaultOfOpenings(ledger, row->tts_values, row->tts_isnull, nullptr, nullptr);
  if (fault == nullptr) return;
  ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
                  errmsg("a row of ledger \"%s\" was altered: %s",
                         RelationGetRelationName(relation), fault),
                  errhint("Find out what happened to it before you erase from it: SELECT * FROM "
                          "bulla.verify(…).")));
}

void UpdateOrRaise(const LedgerRelation* ledger, Relation relation, TupleTableSlot* before,
                   TupleTableSlot* after, Bitmapset* updated) {
  if (Update(relation, before, after, updated)) {
    slot_getallattrs(after);
    if (ErasedColumns(ledger, relation, before, after) != NIL) return;
  }
  ereport(ERROR, (errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
                  errmsg("a trigger changed or suppressed an erasure from ledger \"%s\"",
                         RelationGetRelationName(relation)),
                  errhint("Let BEFORE UPDATE triggers return the row as it is.")));
}

}  // namespace

bool IsBeingErased(Relation relation, ItemPointer row) {
  const Erasing* const erasing = Permission<Erasing>::Current();
  return erasing != nullptr && erasing->relation == RelationGetRelid(relation) &&
         ItemPointerEquals(const_cast<ItemPointer>(&erasing->row), row);
}

List* ErasedColumns(const LedgerRelation* ledger, Relation relation, TupleTableSlot* before,
                    TupleTableSlot* after) {
  List* erased;
  List* erased_before;
  if (!DifferInErasures(ledger, relation, before, after, &erased_before, &erased) ||
      erased == NIL || erased_before != NIL || after->tts_isnull[ledger->openings])
    return NIL;
  const Bytes openings = OpeningsOf(ledger, before->tts_values, before->tts_isnull);
  const bool same_openings = OpeningsReader(openings).ok() &&
                             datum_image_eq(WithoutSaltsOf(openings, erased),
                                            after->tts_values[ledger->openings], false, -1);
  return same_openings ? erased : NIL;
}

bool IsArrivingErasure(const LedgerRelation* ledger, Relation relation, TupleTableSlot* before,
                       TupleTableSlot* after, List** columns) {
  List* erased_before;
  return DifferInErasures(ledger, relation, before, after, &erased_before, columns) &&
         SameCommitments(ledger, before, after);
}

HeapTuple ErasedRow(const LedgerRelation* ledger, TupleTableSlot* row, List* columns) {
  TupleTableSlot* const after = MakeSingleTupleTableSlot(row->tts_tupleDescriptor, &TTSOpsVirtual);
  FillErased(ledger, row, columns, after);
  const HeapTuple erased = ExecCopySlotHeapTuple(after);
  ExecDropSingleTupleTableSlot(after);
  return erased;
}

List* EraseValues(Relation relation, ItemPointer row, List* columns) {
  const LedgerRelation* const ledger = DescribeLedger(relation);
  TupleTableSlot* const before = table_slot_create(relation, nullptr);
  TupleTableSlot* const after =
      MakeSingleTupleTableSlot(RelationGetDescr(relation), &TTSOpsVirtual);
  if (!table_tuple_fetch_row_version(relation, row, SnapshotAny, before))
    elog(ERROR, "row to be erased from is gone, though it is locked");
  slot_getallattrs(before);
  RefuseAltered(ledger, relation, before);
  Bitmapset* updated =
      bms_make_singleton(ledger->openings + 1 - FirstLowInvalidHeapAttributeNumber);
  List* const erased = ColumnsWithValue(ledger, before->tts_isnull, columns, &updated);
  if (erased != NIL) {
    FillErased(ledger, before, erased, after);
    Enter([&]() -> Result<void> {
      const Permission permission(Erasing{RelationGetRelid(relation), *row});
      CallPg([&] { UpdateOrRaise(ledger, relation, before, after, updated); });
      return {};
    });
  }
  ExecDropSingleTupleTableSlot(before);
  ExecDropSingleTupleTableSlot(after);
  return erased;
}

void RecordErasure(const LedgerRelation* ledger, const char* chain, int64 seq, List* columns,
                   const char* reason) {
  RecordEvent("ledger.row_erased", EventDetail()
                                       .Text("ledger", QualifiedName(ledger->root))
                                       .Text("ledger_id", IdText(ledger->arguments.id))
                                       .Text("chain", chain)
                                       .Number("seq", seq)
                                       .Texts("columns", columns)
                                       .Text("reason", reason));
}

void RecordPublishersErasure(const LedgerRelation* ledger, const Datum* values, const bool* nulls,
                             List* columns) {
  RowChain chain;
  if (!ChainOfRow(ledger, values, nulls, &chain) || nulls[ledger->seq]) return;
  RecordErasure(ledger, NameOfChain(ledger, chain.values), DatumGetInt64(values[ledger->seq]),
                columns, "erased at the publisher");
}

}  // namespace bulla
