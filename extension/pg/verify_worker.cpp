#include "pg/verify_worker.h"

extern "C" {
#include "access/parallel.h"
#include "access/table.h"
#include "access/tableam.h"
#include "lib/stringinfo.h"
#include "storage/shm_mq.h"
#include "storage/shm_toc.h"
#include "utils/snapmgr.h"
}

#include <string>

#include "pg/boundary.h"
#include "pg/verify_scan.h"
#include "pg/versions.h"

#pragma GCC visibility push(default)
extern "C" {
void bulla_verify_worker(dsm_segment* segment, shm_toc* toc);
}
#pragma GCC visibility pop

namespace bulla {
namespace {

constexpr size_t kPartSize = 1'024 * 1'024;  // of what a worker knows of the chains, about

void Send(shm_mq_handle* queue, const void* bytes, size_t size) {
  if (SendToQueue(queue, size, bytes) != SHM_MQ_SUCCESS) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("the process that verifies a ledger is gone")));
  }
}

void SendFinding(const Finding& finding, void* queue) {
  StringInfoData message;
  initStringInfo(&message);
  appendStringInfoChar(&message, kFindingMessage);
  appendStringInfoChar(&message, static_cast<char>((finding.chain != nullptr ? 1 : 0) |
                                                   (finding.seq != nullptr ? 2 : 0)));
  const int64 seq = finding.seq != nullptr ? *finding.seq : 0;
  appendBinaryStringInfo(&message, reinterpret_cast<const char*>(&seq), sizeof seq);
  for (const char* const text :
       {finding.chain != nullptr ? finding.chain : "", finding.verdict, finding.detail})
    appendBinaryStringInfo(&message, text, static_cast<int>(strlen(text) + 1));
  Send(static_cast<shm_mq_handle*>(queue), message.data, static_cast<size_t>(message.len));
  pfree(message.data);
}

void SendChains(const RowCheck* check, shm_mq_handle* queue) {
  Enter([&]() -> Result<void> {
    check->chains->WriteInParts(kPartSize, [&](std::string_view part) {
      const std::string message = std::string(1, kChainsMessage).append(part);
      CallPg([&] { Send(queue, message.data(), message.size()); });
    });
    return {};
  });
  std::array<char, 1 + 2 * sizeof(int64)> done;
  done[0] = kDoneMessage;
  memcpy(&done[1], &check->rows, sizeof(int64));
  memcpy(&done[1 + sizeof(int64)], &check->erased, sizeof(int64));
  Send(queue, done.data(), done.size());
}

void AddRows(RowCheck* check, int64 rows) {
  pg_atomic_fetch_add_u64(&static_cast<VerifyWork*>(check->tick_state)->rows, rows);
}

}  // namespace

void CheckShares(RowCheck* check, const VerifyWork* work, char* scans) {
  for (int i = 0; i < work->count; ++i) {
    const Relation table = table_open(work->tables[i], AccessShareLock);
    auto* const scan = reinterpret_cast<ParallelTableScanDesc>(scans);
    scans += BUFFERALIGN(table_parallelscan_estimate(table, GetActiveSnapshot()));
    CheckScan(check, table, table_beginscan_parallel(table, scan));
    table_close(table, AccessShareLock);
  }
  EndRows(check);
}

}  // namespace bulla

void bulla_verify_worker(dsm_segment* segment, shm_toc* toc) {
  using namespace bulla;
  auto* const work = static_cast<VerifyWork*>(shm_toc_lookup(toc, kVerifyWork, false));
  char* const queues = static_cast<char*>(shm_toc_lookup(toc, kVerifyQueues, false));
  auto* const queue = reinterpret_cast<shm_mq*>(queues + ParallelWorkerNumber * kVerifyQueueSize);
  shm_mq_set_sender(queue, MyProc);
  shm_mq_handle* const to_leader = shm_mq_attach(queue, segment, nullptr);
  RowCheck* const check = NewRowCheck(work->first, work->last, SendFinding, to_leader);
  check->tick = AddRows;
  check->tick_state = work;
  if (work->sealed) check->sealed = ReadSealedLeaves(IdOfLedger(work->tables[0]));
  CheckShares(check, work, static_cast<char*>(shm_toc_lookup(toc, kVerifyScans, false)));
  SendChains(check, to_leader);
  shm_mq_detach(to_leader);
}
