// The SQL function that records a restore.

#include "pg/boundary.h"

extern "C" {
#include "access/table.h"
#include "catalog/namespace.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
}

#include <algorithm>
#include <set>
#include <string>

#include "pg/arguments.h"
#include "pg/chain_heads.h"
#include "pg/chain_lock.h"
#include "pg/context_owned.h"
#include "pg/event_log.h"
#include "pg/ledger_checks.h"
#include "pg/log_rows.h"
#include "pg/message_budget.h"
#include "pg/restore_loss.h"
#include "pg/restore_rows.h"
#include "pg/seal_chain.h"
#include "pg/transaction_chains.h"
#include "pg/transaction_events.h"
#include "pg/user_scope.h"

namespace bulla {
namespace {

struct Restore {
  LogRow log;
  const char* reason;
  bool whole;     // of all ledgers
  List* ledgers;  // oids
  List* notes;    // PublishedNote*
  int32 epoch;
};

// bulla.events before bulla.heads before all others: so an epoch of bulla.events begins with what was recorded.
List* AllLedgers() {
  const MemoryContext memory = CurrentMemoryContext;
  const UserScope caller = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
  SPI_connect();
  if (SPI_execute("SELECT l.ledger::pg_catalog.oid FROM bulla.ledgers AS l ORDER BY 1", true, 0) !=
      SPI_OK_SELECT)
    elog(ERROR, "SPI failed to read bulla.ledgers");
  const MemoryContext of_spi = MemoryContextSwitchTo(memory);
  List* ledgers = NIL;
  for (uint64 i = 0; i < SPI_processed; ++i) {
    bool null;
    ledgers = lappend_oid(ledgers, DatumGetObjectId(SPI_getbinval(
                                       SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &null)));
  }
  for (const char* const own : {"heads", "events"}) {
    const Oid ledger = OwnRelation(own);
    if (list_member_oid(ledgers, ledger))
      ledgers = lcons_oid(ledger, list_delete_oid(ledgers, ledger));
  }
  MemoryContextSwitchTo(of_spi);
  SPI_finish();
  EndAs(caller);
  return ledgers;
}

// Who seals several ledgers in one transaction may take them in any order: then one of the two is told of a deadlock.
void LockAgainstSealing(const List* ledgers) {
  List* const ordered = list_copy(ledgers);
  list_sort(ordered, list_oid_cmp);
  ListCell* cell;
  foreach (cell, ordered) AcquireSealLock(lfirst_oid(cell));
}

void KeepEpoch(const TreeRow& tree, void* state) {
  auto* const epoch = static_cast<int32*>(state);
  *epoch = Max(*epoch, tree.epoch);
}

// Above all that is known to have been: one number for all ledgers.
int32 NextEpoch(const Restore& restore) {
  int32 last = 0;
  ListCell* cell;
  foreach (cell, restore.ledgers) {
    const LedgerId id = IdOfLedger(lfirst_oid(cell));
    last = Max(last, EpochOfLedger(id));
    ReadTrees(id, KeepEpoch, &last);
  }
  foreach (cell, restore.notes)
    last = Max(last, static_cast<const PublishedNote*>(lfirst(cell))->epoch);
  if (last == PG_INT32_MAX)
    ereport(ERROR,
            (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("no epoch can follow %d", last)));
  return last + 1;
}

// Each has to be of one of the ledgers.
void CheckNotes(const Restore& restore) {
  ListCell* cell;
  foreach (cell, restore.notes) {
    const auto* const note = static_cast<const PublishedNote*>(lfirst(cell));
    bool known = false;
    ListCell* of;
    foreach (of, restore.ledgers) known |= IdOfLedger(lfirst_oid(of)) == note->ledger;
    if (known) continue;
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("last_checkpoints: \"%s\" is of another ledger", note->origin),
                    errhint("Where the whole database was restored, name no ledger: "
                            "bulla.record_restore(NULL, …).")));
  }
}

struct ChainNames {
  std::set<std::string> names;
};

void KeepName(const TreeRow& tree, void* state) {
  Enter([&]() -> Result<void> {
    static_cast<ChainNames*>(state)->names.insert(tree.chain);
    return {};
  });
}

// Those that were sealed and those that have rows.
ChainNames* ChainsOf(Oid ledger) {
  auto* const chains = NewInContext<ChainNames>();
  ReadTrees(IdOfLedger(ledger), KeepName, chains);
  PushActiveSnapshot(GetLatestSnapshot());
  const ChainHeads* const heads = ReadChainHeads(ledger, GetActiveSnapshot());
  PopActiveSnapshot();
  Enter([&]() -> Result<void> {
    for (const auto& [name, head] : heads->by_name) chains->names.insert(name);
    return {};
  });
  return chains;
}

// False where rows of the ledger cannot be read: its chains are sealed in the epoch once they can.
bool CanBeSealed(Oid ledger) {
  const LedgerFault* const fault = FindFault(ledger);
  if (fault == nullptr) return true;
  ereport(WARNING,
          (errcode(fault->sqlstate),
           errmsg("ledger \"%s\" was not sealed: %s", get_rel_name(ledger), fault->message),
           errhint("bulla.verify tells more. Then call bulla.seal_chains.")));
  return false;
}

// Checkpoints of chains of which nothing is here.
bool RecordLostChains(const Restore& restore, Oid ledger, List* met) {
  bool any = false;
  const LedgerId id = IdOfLedger(ledger);
  ListCell* cell;
  foreach (cell, restore.notes) {
    const auto* const note = static_cast<const PublishedNote*>(lfirst(cell));
    if (!(note->ledger == id) || note->size.value == 0 || list_member_ptr(met, note)) continue;
    RecordLostChain(ledger, *note, restore.epoch, restore.reason);
    any = true;
  }
  return any;
}

// Rows that went behind Bulla's back may be in its memory of where chains end. Waits for who appends.
void ForgetWhereChainsEnd(Oid ledger) {
  AcquireChainLock(LedgerLockTag(ledger), ExclusiveLock);
  const Relation relation = table_open(ledger, AccessShareLock);
  ForgetHeadsAtCommit(DescribeLedger(relation));
  table_close(relation, NoLock);
}

// Returns whether anything was lost.
bool OpenEpochOfLedger(const Restore& restore, Oid ledger) {
  bool lost = false;
  InsertRestore(IdOfLedger(ledger), restore.epoch, restore.reason);
  if (!CanBeSealed(ledger)) return lost;
  List* met = NIL;
  for (const std::string& name : ChainsOf(ledger)->names) {
    CHECK_FOR_INTERRUPTS();
    const LogChain chain = NameLogChain(ledger, name.c_str());
    List* const notes = NotesOfChain(restore.notes, chain.ledger_id, chain.chain_id);
    lost |= OpenEpoch(chain, restore.log, notes);
    met = list_concat(met, notes);
  }
  if (lost) ForgetWhereChainsEnd(ledger);
  return RecordLostChains(restore, ledger, met) || lost;
}

void CheckIsLedger(Oid table) {
  CheckTableExists(table);
  RefuseDetachedPart(table);
  const Relation relation = table_open(table, AccessShareLock);
  LookAtWholeLedger(relation);
  table_close(relation, AccessShareLock);
}

[[noreturn]] void RaiseNothingLost(const Restore& restore) {
  ereport(
      ERROR,
      (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("there is no restore to record"),
       errdetail("This server signs the checkpoints of log \"%s\", and all that it knows to "
                 "have been published is here.",
                 restore.log.name),
       errhint("Where somebody has a newer checkpoint, hand it in: "
               "bulla.record_restore(NULL, reason, checkpoint).")));
}

void TellWhatToRotate(List* keys) {
  if (keys == NIL) return;
  StringInfoData names;
  initStringInfo(&names);
  ListCell* cell;
  foreach (cell, keys) {
    appendStringInfo(&names, "%s\"%s\"", names.len == 0 ? "" : ", ",
                     static_cast<const char*>(lfirst(cell)));
  }
  ereport(WARNING,
          (errmsg("keys of AES-256-GCM seal no more until they are rotated: %s", names.data),
           errdetail("How many messages they have sealed is not known any more."),
           errhint("Give each a new version: SELECT bulla.rotate_key('…').")));
}

void RecordRestore(const Restore& restore, const SigningPlace& here, List* keys) {
  List* checkpoints = NIL;
  ListCell* cell;
  foreach (cell, restore.notes)
    checkpoints = lappend(checkpoints,
                          const_cast<char*>(static_cast<const PublishedNote*>(lfirst(cell))->text));
  EventDetail detail;
  detail.Text("log", restore.log.name)
      .Text("reason", restore.reason)
      .Number("epoch", restore.epoch);
  if (!restore.whole) {
    const Oid ledger = linitial_oid(restore.ledgers);
    detail.Text("ledger", QualifiedName(ledger));
  }
  RecordEvent("log.restored", detail.Number("ledgers", list_length(restore.ledgers))
                                  .Texts("last_checkpoints", checkpoints)
                                  .Texts("keys_to_rotate", keys)
                                  .Object("from", DetailOfPlace(restore.log.place))
                                  .Object("to", DetailOfPlace(here)));
}

}  // namespace

BULLA_FUNCTION(bulla_record_restore);
Datum bulla_record_restore(PG_FUNCTION_ARGS) {
  PreventCommandIfReadOnly("bulla.record_restore()");
  PreventCommandIfParallelMode("bulla.record_restore()");
  Restore restore = {};
  restore.reason = ReasonArgument(fcinfo, 1);
  RefuseNull(fcinfo, 2, "last_checkpoints");
  restore.log = RequireLog();
  const SigningPlace here = PlaceOfThisServer();
  const bool copy = !(restore.log.place == here);
  restore.whole = copy || PG_ARGISNULL(0);
  if (!PG_ARGISNULL(0)) CheckIsLedger(PG_GETARG_OID(0));
  restore.ledgers = restore.whole ? AllLedgers() : list_make1_oid(PG_GETARG_OID(0));
  LockAgainstSealing(restore.ledgers);
  AcquireSetupLock();
  // Somebody else may have been first.
  restore.log = RequireLog();
  const bool still_copy = !(restore.log.place == here);
  restore.notes =
      ReadPublishedNotes(TextList(PG_GETARG_ARRAYTYPE_P(2), "last_checkpoints"), restore.log.name);
  CheckNotes(restore);
  restore.epoch = NextEpoch(restore);
  bool lost = false;
  ListCell* cell;
  foreach (cell, restore.ledgers) lost |= OpenEpochOfLedger(restore, lfirst_oid(cell));
  if (!lost && !still_copy) RaiseNothingLost(restore);
  if (restore.whole) MoveLogHere();
  List* const keys = RequireNewVersions();
  RecordRestore(restore, here, keys);
  TellWhatToRotate(keys);
  if (restore.whole && !PG_ARGISNULL(0)) {
    ereport(NOTICE, (errmsg("this is a copy of the whole database: a restore of each of its %d "
                            "ledgers was recorded",
                            list_length(restore.ledgers))));
  }
  CommitDurably();
  PG_RETURN_INT32(restore.epoch);
}

}  // namespace bulla
