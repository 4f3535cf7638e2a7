#include "pg/durable.h"

extern "C" {
#include "postgres.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "miscadmin.h"
#include "replication/syncrep.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"
#include "storage/lwlock.h"
}

namespace bulla {
namespace {

// A position right behind a page header means that the page before it is full.
XLogRecPtr LogEnd() {
  XLogRecPtr end = GetXLogInsertRecPtr();
  if (end % XLOG_BLCKSZ == SizeOfXLogShortPHD) end -= SizeOfXLogShortPHD;
  if (XLogSegmentOffset(end, wal_segment_size) == SizeOfXLogLongPHD) end -= SizeOfXLogLongPHD;
  return end;
}

bool StandbysHave(XLogRecPtr end) {
  LWLockAcquire(SyncRepLock, LW_SHARED);
  const bool confirmed = WalSndCtl->lsn[SYNC_REP_WAIT_FLUSH] >= end;
  LWLockRelease(SyncRepLock);
  return confirmed;
}

}  // namespace

void FlushWhatWasRead() {
  if (!RecoveryInProgress()) XLogFlush(LogEnd());
}

void ConfirmWhatWasRead() {
  if (RecoveryInProgress()) return;
  const XLogRecPtr end = LogEnd();
  XLogFlush(end);
  if (!SyncRepRequested() || SyncRepStandbyNames == nullptr || *SyncRepStandbyNames == '\0') return;
  // Returns with a warning, and without confirmation, where the wait is canceled: meant for a commit that
  // cannot be taken back. What is read here can be kept back.
  SyncRepWaitForLSN(end, false);
  if (!StandbysHave(end)) {
    ereport(ERROR,
            (errcode(ERRCODE_QUERY_CANCELED),
             errmsg("synchronous standbys have not confirmed the rows that were read"),
             errhint("A crash could still undo them. Try again when a standby is connected.")));
  }
}

}  // namespace bulla
