// What differs between PostgreSQL's major versions, under one name each: the only place that asks which
// version it is.
#pragma once

extern "C" {
#include "postgres.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_relation.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/shm_mq.h"
#include "utils/acl.h"
#if PG_VERSION_NUM >= 140000
#include "utils/backend_progress.h"
#include "utils/backend_status.h"
#else
#include "pgstat.h"
#endif
#include "utils/datetime.h"
#include "utils/guc.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/tuplestore.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif
#if PG_VERSION_NUM < 170000
#include "storage/backendid.h"
#include "storage/sinvaladt.h"
#endif
}

namespace bulla {

// What walks through expressions calls any function, and says so in another way since 16.
#if PG_VERSION_NUM >= 160000
using TreeWalker = tree_walker_callback;
inline TreeWalker AsTreeWalker(bool (*walk)(Node*, void*)) { return walk; }
#else
using TreeWalker = bool (*)();
inline TreeWalker AsTreeWalker(bool (*walk)(Node*, void*)) {
  return reinterpret_cast<TreeWalker>(reinterpret_cast<void (*)()>(walk));
}
#endif

inline bool OwnsRelation(Oid relation, Oid role) {
#if PG_VERSION_NUM >= 160000
  return object_ownercheck(RelationRelationId, relation, role);
#else
  return pg_class_ownercheck(relation, role);
#endif
}

// The timeline that this server writes. Not on a standby.
inline TimeLineID InsertionTimeline() {
#if PG_VERSION_NUM >= 150000
  return GetWALInsertionTimeLine();
#else
  return ThisTimeLineID;
#endif
}

// ALTER TABLE … DETACH PARTITION … FINALIZE.
#if PG_VERSION_NUM >= 140000
inline constexpr AlterTableType kFinalizeDetach = AT_DetachPartitionFinalize;
#else
inline constexpr AlterTableType kFinalizeDetach = AT_DetachPartition;
#endif

inline bool MayExecute(Oid function, Oid role) {
#if PG_VERSION_NUM >= 160000
  return object_aclcheck(ProcedureRelationId, function, role, ACL_EXECUTE) == ACLCHECK_OK;
#else
  return pg_proc_aclcheck(function, role, ACL_EXECUTE) == ACLCHECK_OK;
#endif
}

// The parts of a qualified name as SQL writes it.
inline List* NameParts(const char* name) {
#if PG_VERSION_NUM >= 160000
  return stringToQualifiedNameList(name, nullptr);
#else
  return stringToQualifiedNameList(name);
#endif
}

// The primary key's index, InvalidOid where there is none; also one that is deferrable.
inline Oid PrimaryKeyIndex(Relation relation) {
#if PG_VERSION_NUM >= 180000
  return RelationGetPrimaryKeyIndex(relation, true);
#else
  return RelationGetPrimaryKeyIndex(relation);
#endif
}

inline IndexScanDesc BeginIndexScan(Relation table, Relation index, Snapshot snapshot, int keys) {
#if PG_VERSION_NUM >= 180000
  return index_beginscan(table, index, snapshot, nullptr, keys, 0);
#else
  return index_beginscan(table, index, snapshot, keys, 0);
#endif
}

inline MinimalTuple FormMinimalTuple(TupleDesc columns, Datum* values, bool* nulls) {
#if PG_VERSION_NUM >= 180000
  return heap_form_minimal_tuple(columns, values, nulls, 0);
#else
  return heap_form_minimal_tuple(columns, values, nulls);
#endif
}

inline void InitEvalPlanQual(EPQState* state, EState* executor) {
#if PG_VERSION_NUM >= 160000
  EvalPlanQualInit(state, executor, nullptr, NIL, -1, NIL);
#else
  EvalPlanQualInit(state, executor, nullptr, NIL, -1);
#endif
}

// An executor of an UPDATE of these columns of one table, which is locked. The entry becomes number 1.
inline void InitRangeTable(EState* executor, RangeTblEntry* entry, Bitmapset* updated) {
#if PG_VERSION_NUM >= 160000
  List* permissions = NIL;
  addRTEPermissionInfo(&permissions, entry)->updatedCols = updated;
#else
  entry->updatedCols = updated;
#endif
#if PG_VERSION_NUM >= 180000
  ExecInitRangeTable(executor, list_make1(entry), permissions, bms_make_singleton(1));
#elif PG_VERSION_NUM >= 160000
  ExecInitRangeTable(executor, list_make1(entry), permissions);
#else
  ExecInitRangeTable(executor, list_make1(entry));
#endif
}

// The process that a virtual transaction id names now, nullptr where there is none.
inline const PGPROC* ProcessOf(const VirtualTransactionId& transaction) {
#if PG_VERSION_NUM >= 170000
  return ProcNumberGetProc(transaction.procNumber);
#else
  return BackendIdGetProc(transaction.backendId);
#endif
}

inline LocalTransactionId LocalTransactionOf(const PGPROC* process) {
#if PG_VERSION_NUM >= 170000
  return process->vxid.lxid;
#else
  return process->lxid;
#endif
}

// The fields of a date and time; zero where they make one.
inline int DecodeTimestamp(char** fields, int* types, int count, int* kind, pg_tm* tm, fsec_t* fsec,
                           int* zone) {
#if PG_VERSION_NUM >= 160000
  DateTimeErrorExtra extra;
  return DecodeDateTime(fields, types, count, kind, tm, fsec, zone, &extra);
#else
  return DecodeDateTime(fields, types, count, kind, tm, fsec, zone);
#endif
}

// Readies a set-returning function for tuplestore_putvalues into its ReturnSetInfo's setResult. The
// columns are those that the caller expects; a set of a type that is no row has one.
inline void ReturnSet(FunctionCallInfo fcinfo) {
  auto* const result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  if (result == nullptr || !IsA(result, ReturnSetInfo) ||
      (result->allowedModes & SFRM_Materialize) == 0 || result->expectedDesc == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("a set of rows cannot be returned here")));
  }
  const MemoryContext caller = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
  result->returnMode = SFRM_Materialize;
  result->setResult =
      tuplestore_begin_heap((result->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
  result->setDesc = CreateTupleDescCopy(result->expectedDesc);
  MemoryContextSwitchTo(caller);
}

// Waits for room in the queue, and wakes its receiver.
inline shm_mq_result SendToQueue(shm_mq_handle* queue, Size size, const void* bytes) {
#if PG_VERSION_NUM >= 150000
  return shm_mq_send(queue, size, bytes, false, true);
#else
  return shm_mq_send(queue, size, bytes, false);
#endif
}

// A set of things to wait for, to be freed by the caller.
inline WaitEventSet* NewWaitEventSet(int size) {
#if PG_VERSION_NUM >= 170000
  return CreateWaitEventSet(CurrentResourceOwner, size);
#else
  return CreateWaitEventSet(CurrentMemoryContext, size);
#endif
}

// What a session shows of itself, 1 to pgstat_fetch_stat_numbackends(); nullptr where there is none.
inline const LocalPgBackendStatus* BackendStatusAt(int index) {
#if PG_VERSION_NUM >= 160000
  return pgstat_get_local_beentry_by_index(index);
#else
  return pgstat_fetch_stat_local_beentry(index);
#endif
}

}  // namespace bulla
