#include "pg/verify_findings.h"

extern "C" {
#include "access/tupdesc.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"
#include "utils/tuplestore.h"
}

namespace bulla {

struct FindingSorter {
  MemoryContext memory;
  Tuplesortstate* sort;  // null until there is a finding
  TupleTableSlot* slot;
  int64 count;
};

namespace {

constexpr int kColumns = 4;

void Begin(FindingSorter* sorter) {
  const MemoryContext caller = MemoryContextSwitchTo(sorter->memory);
  const TupleDesc columns = CreateTemplateTupleDesc(kColumns);
  TupleDescInitEntry(columns, 1, "chain", TEXTOID, -1, 0);
  TupleDescInitEntry(columns, 2, "seq", INT8OID, -1, 0);
  TupleDescInitEntry(columns, 3, "verdict", TEXTOID, -1, 0);
  TupleDescInitEntry(columns, 4, "detail", TEXTOID, -1, 0);
  AttrNumber attributes[] = {1, 2, 3, 4};
  Oid less[] = {TextLessOperator, Int8LessOperator, TextLessOperator, TextLessOperator};
  Oid collations[] = {C_COLLATION_OID, InvalidOid, C_COLLATION_OID, C_COLLATION_OID};
  bool nulls_first[] = {false, false, false, false};
  sorter->slot = MakeSingleTupleTableSlot(columns, &TTSOpsMinimalTuple);
  sorter->sort = tuplesort_begin_heap(columns, kColumns, attributes, less, collations, nulls_first,
                                      work_mem, nullptr, 0);
  MemoryContextSwitchTo(caller);
}

void Put(FindingSorter* sorter, const Finding& finding) {
  TupleTableSlot* const row =
      MakeSingleTupleTableSlot(sorter->slot->tts_tupleDescriptor, &TTSOpsVirtual);
  row->tts_isnull[0] = finding.chain == nullptr;
  row->tts_isnull[1] = finding.seq == nullptr;
  row->tts_isnull[2] = row->tts_isnull[3] = false;
  if (finding.chain != nullptr) row->tts_values[0] = CStringGetTextDatum(finding.chain);
  if (finding.seq != nullptr) row->tts_values[1] = Int64GetDatum(*finding.seq);
  row->tts_values[2] = CStringGetTextDatum(finding.verdict);
  row->tts_values[3] = CStringGetTextDatum(finding.detail);
  ExecStoreVirtualTuple(row);
  tuplesort_puttupleslot(sorter->sort, row);
  ExecDropSingleTupleTableSlot(row);
}

}  // namespace

FindingSorter* NewFindingSorter() {
  auto* const sorter = static_cast<FindingSorter*>(palloc0(sizeof(FindingSorter)));
  sorter->memory = CurrentMemoryContext;
  return sorter;
}

void KeepFinding(const Finding& finding, void* state) {
  auto* const sorter = static_cast<FindingSorter*>(state);
  if (sorter->sort == nullptr) Begin(sorter);
  const MemoryContext scratch =
      AllocSetContextCreate(CurrentMemoryContext, "bulla finding", ALLOCSET_SMALL_SIZES);
  const MemoryContext caller = MemoryContextSwitchTo(scratch);
  Put(sorter, finding);
  MemoryContextSwitchTo(caller);
  MemoryContextDelete(scratch);
  ++sorter->count;
}

void PutFinding(const Finding& finding, void* state) {
  const auto* const result = static_cast<ReturnSetInfo*>(state);
  Datum values[4] = {};
  bool nulls[4] = {finding.chain == nullptr, finding.seq == nullptr, false, false};
  if (finding.chain != nullptr) values[0] = CStringGetTextDatum(finding.chain);
  if (finding.seq != nullptr) values[1] = Int64GetDatum(*finding.seq);
  values[2] = CStringGetTextDatum(finding.verdict);
  values[3] = CStringGetTextDatum(finding.detail);
  tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

int64 ReportSorted(FindingSorter* sorter, ReportFinding report, void* state) {
  if (sorter->sort == nullptr) return 0;
  tuplesort_performsort(sorter->sort);
  while (tuplesort_gettupleslot(sorter->sort, true, false, sorter->slot, nullptr)) {
    CHECK_FOR_INTERRUPTS();
    slot_getallattrs(sorter->slot);
    const Datum* const values = sorter->slot->tts_values;
    const bool* const nulls = sorter->slot->tts_isnull;
    const int64 seq = nulls[1] ? 0 : DatumGetInt64(values[1]);
    const Finding finding{nulls[0] ? nullptr : TextDatumGetCString(values[0]),
                          nulls[1] ? nullptr : &seq, TextDatumGetCString(values[2]),
                          TextDatumGetCString(values[3])};
    report(finding, state);
  }
  tuplesort_end(sorter->sort);
  ExecDropSingleTupleTableSlot(sorter->slot);
  sorter->sort = nullptr;
  return sorter->count;
}

}  // namespace bulla
