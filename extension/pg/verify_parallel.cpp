// Verification by several processes, as its leader sees it: what is shared, and what workers tell.

#include "pg/verify_scan.h"

extern "C" {
#include "access/parallel.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "storage/bufmgr.h"
#include "storage/latch.h"
#include "storage/shm_mq.h"
#include "storage/shm_toc.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"
}

#include "pg/boundary.h"
#include "pg/verify_worker.h"

namespace bulla {
namespace {

struct Crew {
  ParallelContext* context;
  shm_mq_handle** queues;  // null once the worker is through
  VerifyWork* work;
  int64 rows;       // of workers that are through
  int64 erased;     // values, likewise
  int64 rows_told;  // of those that workers have judged, how many the caller's tick was told of
  RowCheck* check;
  void (*tick)(RowCheck* check, int64 rows);  // the caller's
  void* tick_state;
};

void TakeFinding(const RowCheck* check, const char* message) {
  const char flags = message[1];
  int64 seq;
  memcpy(&seq, message + 2, sizeof seq);
  const char* const chain = message + 2 + sizeof seq;
  const char* const verdict = chain + strlen(chain) + 1;
  const char* const detail = verdict + strlen(verdict) + 1;
  check->report(
      {(flags & 1) != 0 ? chain : nullptr, (flags & 2) != 0 ? &seq : nullptr, verdict, detail},
      check->report_state);
}

// Takes what a worker sent so far. False where it ended without having said that it was through: then
// waiting for it raises why.
bool TakeMessages(Crew* crew, int worker) {
  while (crew->queues[worker] != nullptr) {
    Size size;
    void* bytes;
    const shm_mq_result received = shm_mq_receive(crew->queues[worker], &size, &bytes, true);
    if (received == SHM_MQ_WOULD_BLOCK) return true;
    if (received != SHM_MQ_SUCCESS) return false;
    const char* const message = static_cast<const char*>(bytes);
    switch (message[0]) {
      case kFindingMessage:
        TakeFinding(crew->check, message);
        break;
      case kChainsMessage:
        Enter([&]() -> Result<void> {
          if (!crew->check->chains->Merge({message + 1, size - 1}))
            return Error{Code::kInternal, "a parallel worker sent what cannot be read"};
          return {};
        });
        break;
      case kDoneMessage: {
        int64 rows;
        int64 erased;
        memcpy(&rows, message + 1, sizeof rows);
        memcpy(&erased, message + 1 + sizeof rows, sizeof erased);
        crew->rows += rows;
        crew->erased += erased;
        crew->queues[worker] = nullptr;
      }
    }
  }
  return true;
}

// Whether some worker is not through yet.
bool TakeAllMessages(Crew* crew) {
  bool working = false;
  for (int i = 0; i < crew->context->nworkers_launched; ++i) {
    if (!TakeMessages(crew, i)) {
      WaitForParallelWorkersToFinish(crew->context);
      ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("a parallel worker ended early")));
    }
    working |= crew->queues[i] != nullptr;
  }
  return working;
}

void Tell(Crew* crew, int64 own_rows) {
  const auto by_workers = static_cast<int64>(pg_atomic_read_u64(&crew->work->rows));
  if (crew->tick == nullptr) return;
  RowCheck* const check = crew->check;
  check->tick_state = crew->tick_state;
  crew->tick(check, own_rows + by_workers - crew->rows_told);
  check->tick_state = crew;
  crew->rows_told = by_workers;
}

void TickLeader(RowCheck* check, int64 rows) {
  auto* const crew = static_cast<Crew*>(check->tick_state);
  TakeAllMessages(crew);
  Tell(crew, rows);
}

void AwaitWorkers(Crew* crew) {
  while (TakeAllMessages(crew)) {
    WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 200, PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
    Tell(crew, 0);
  }
  WaitForParallelWorkersToFinish(crew->context);
}

int WorkersWorth(List* tables) {
  if (!IsUnderPostmaster || IsInParallelMode() || max_parallel_workers_per_gather == 0) return 0;
  BlockNumber pages = 0;
  ListCell* cell;
  foreach (cell, tables) {
    const Relation table = table_open(lfirst_oid(cell), AccessShareLock);
    const bool temporary = RelationUsesLocalBuffers(table);
    pages += RelationGetNumberOfBlocks(table);
    table_close(table, AccessShareLock);
    if (temporary) return 0;  // its buffers are this process's own
  }
  if (pages < static_cast<BlockNumber>(min_parallel_table_scan_size)) return 0;
  return static_cast<int>(Min(pages / Max(min_parallel_table_scan_size, 1) + 1,
                              static_cast<BlockNumber>(max_parallel_workers_per_gather)));
}

// Lays out what workers need. Returns the scans.
char* ShareWork(ParallelContext* context, const RowCheck* check, List* tables, Size scans_size,
                VerifyWork** work) {
  const int count = list_length(tables);
  *work = static_cast<VerifyWork*>(
      shm_toc_allocate(context->toc, offsetof(VerifyWork, tables) + sizeof(Oid) * count));
  (*work)->first = check->first;
  (*work)->last = check->last;
  (*work)->sealed = check->sealed != nullptr;
  (*work)->count = count;
  pg_atomic_init_u64(&(*work)->rows, 0);
  shm_toc_insert(context->toc, kVerifyWork, *work);

  char* const scans = static_cast<char*>(shm_toc_allocate(context->toc, scans_size));
  char* scan = scans;
  for (int i = 0; i < count; ++i) {
    (*work)->tables[i] = list_nth_oid(tables, i);
    const Relation table = table_open((*work)->tables[i], AccessShareLock);
    table_parallelscan_initialize(table, reinterpret_cast<ParallelTableScanDesc>(scan),
                                  GetActiveSnapshot());
    scan += BUFFERALIGN(table_parallelscan_estimate(table, GetActiveSnapshot()));
    table_close(table, AccessShareLock);
  }
  shm_toc_insert(context->toc, kVerifyScans, scans);
  return scans;
}

Size ScansSize(List* tables) {
  Size size = 0;
  ListCell* cell;
  foreach (cell, tables) {
    const Relation table = table_open(lfirst_oid(cell), AccessShareLock);
    size = add_size(size, BUFFERALIGN(table_parallelscan_estimate(table, GetActiveSnapshot())));
    table_close(table, AccessShareLock);
  }
  return size;
}

// Attached before the workers are started, who write to them.
void MakeQueues(Crew* crew) {
  ParallelContext* const context = crew->context;
  const Size size = mul_size(kVerifyQueueSize, context->nworkers);
  char* const space = static_cast<char*>(shm_toc_allocate(context->toc, size));
  shm_toc_insert(context->toc, kVerifyQueues, space);
  crew->queues = static_cast<shm_mq_handle**>(palloc0(sizeof(void*) * context->nworkers));
  for (int i = 0; i < context->nworkers; ++i) {
    shm_mq* const queue = shm_mq_create(space + i * kVerifyQueueSize, kVerifyQueueSize);
    shm_mq_set_receiver(queue, MyProc);
    crew->queues[i] = shm_mq_attach(queue, context->seg, nullptr);
  }
}

void Lead(Crew* crew, char* scans) {
  RowCheck* const check = crew->check;
  ereport(DEBUG1, (errmsg_internal("verifying with parallel workers")));
  for (int i = 0; i < crew->context->nworkers_launched; ++i)
    shm_mq_set_handle(crew->queues[i], crew->context->worker[i].bgwhandle);
  crew->tick = check->tick;
  crew->tick_state = check->tick_state;
  check->tick = TickLeader;
  check->tick_state = crew;
  if (parallel_leader_participation) CheckShares(check, crew->work, scans);
  AwaitWorkers(crew);
  check->tick = crew->tick;
  check->tick_state = crew->tick_state;
  check->rows += crew->rows;
  check->erased += crew->erased;
  check->ticked = check->rows;
}

}  // namespace

bool CheckTablesInParallel(RowCheck* check, List* tables) {
  const int workers = WorkersWorth(tables);
  if (workers == 0) return false;
  EnterParallelMode();
  Crew crew = {};
  crew.check = check;
  crew.context = CreateParallelContext("$libdir/bulla", "bulla_verify_worker", workers);
  const Size scans_size = ScansSize(tables);
  shm_toc_estimator* const estimator = &crew.context->estimator;
  shm_toc_estimate_chunk(estimator,
                         offsetof(VerifyWork, tables) + sizeof(Oid) * list_length(tables));
  shm_toc_estimate_chunk(estimator, scans_size);
  shm_toc_estimate_chunk(estimator, mul_size(kVerifyQueueSize, workers));
  shm_toc_estimate_keys(estimator, 3);
  InitializeParallelDSM(crew.context);
  if (crew.context->seg != nullptr) {
    char* const scans = ShareWork(crew.context, check, tables, scans_size, &crew.work);
    MakeQueues(&crew);
    LaunchParallelWorkers(crew.context);
    if (crew.context->nworkers_launched > 0) Lead(&crew, scans);
  }
  const bool done = crew.context->nworkers_launched > 0;
  DestroyParallelContext(crew.context);
  ExitParallelMode();
  return done;
}

}  // namespace bulla
