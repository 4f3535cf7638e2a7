#include "pg/transaction_events.h"

extern "C" {
#include "postgres.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "replication/syncrep.h"
#include "storage/sinval.h"
#include "utils/guc.h"
#include "utils/inval.h"
}

#include "pg/append_queue.h"
#include "pg/settings.h"
#include "pg/transaction_chains.h"

namespace bulla {
namespace {

// What the session asked for, while a commit overrides it; -1 where none does.
int asked_synchronous_commit = -1;

bool commit_durably = false;

// By the setting's own machinery, which knows what else hangs on it, and puts it back at the end.
void AskForSynchronousCommit() {
  if (synchronous_commit < SYNCHRONOUS_COMMIT_REMOTE_FLUSH) {
    set_config_option("synchronous_commit", "on", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL,
                      true, 0, false);
  }
}

bool ChangedCatalogue() {
  SharedInvalidationMessage* messages;
  bool init_file;
  return xactGetCommittedInvalidationMessages(&messages, &init_file) > 0;
}

// Other backends are told of changes to the catalogue or to keys only after the commit callback, so a
// transaction that made some must not keep them waiting for a flush with its rows already visible.
bool MayReleaseEarly() {
  return early_lock_release && synchronous_commit > SYNCHRONOUS_COMMIT_OFF &&
         TransactionIdIsValid(GetTopTransactionIdIfAny()) && !ChangedCatalogue();
}

void BeforeCommit() {
  FlushQueueAndFireDeferred();
  SettleChains();
  if (commit_durably) {
    AskForSynchronousCommit();
    return;
  }
  if (!AnyChainOpen() || !MayReleaseEarly()) return;
  asked_synchronous_commit = synchronous_commit;
  synchronous_commit = SYNCHRONOUS_COMMIT_OFF;
}

// Whether it was overridden.
bool RestoreSynchronousCommit() noexcept {
  if (asked_synchronous_commit < 0) return false;
  synchronous_commit = asked_synchronous_commit;
  asked_synchronous_commit = -1;
  return true;
}

// An error here would be a PANIC: the transaction is committed. Nothing below allocates or raises.
void AfterCommit() noexcept {
  commit_durably = false;
  PublishAndReleaseChains();
  ForgetQueue();
  if (!RestoreSynchronousCommit()) return;
  // From here it is an ordinary commit again, but for the lock that is already another's. A successor's
  // commit record stands behind ours in the log, so no crash can keep it and lose us.
  XLogFlush(XactLastCommitEnd);
  SyncRepWaitForLSN(XactLastCommitEnd, true);
}

void OnTransactionEvent(XactEvent event, void*) {
  switch (event) {
    case XACT_EVENT_PRE_COMMIT:
      BeforeCommit();
      break;
    case XACT_EVENT_COMMIT:
      AfterCommit();
      break;
    case XACT_EVENT_PRE_PREPARE:
      FlushQueueAndFireDeferred();
      if (commit_durably) {
        ereport(ERROR,
                (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                 errmsg("a transaction that records what it verified, sealed or removed cannot "
                        "be prepared"),
                 errhint("Commit it, and do the rest in another transaction.")));
      }
      SettleChains();
      ForgetHeads();
      break;
    case XACT_EVENT_PREPARE:
    case XACT_EVENT_ABORT:
      commit_durably = false;
      ForgetChains();
      ForgetQueue();
      RestoreSynchronousCommit();
      break;
    default:
      break;  // parallel workers append nothing
  }
}

void OnSubtransactionEvent(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
  if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB) return;
  EndSubtransaction(event == SUBXACT_EVENT_COMMIT_SUB);
  EndQueueSubtransaction(event == SUBXACT_EVENT_COMMIT_SUB);
}

}  // namespace

void CommitDurably() { commit_durably = true; }

void WatchTransactions() {
  RegisterXactCallback(OnTransactionEvent, nullptr);
  RegisterSubXactCallback(OnSubtransactionEvent, nullptr);
}

}  // namespace bulla
