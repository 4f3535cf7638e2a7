// JudgePlace: which tables may be where in the tree of a ledger's partitions.

#include "pg/ddl_table.h"

extern "C" {
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "executor/tuptable.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
}

#include "pg/chain_lock.h"
#include "pg/ddl_catalog.h"
#include "pg/event_log.h"
#include "pg/ledger_checks.h"
#include "pg/ledger_relation.h"
#include "pg/make_ledger.h"
#include "pg/settings.h"
#include "pg/transaction_chains.h"
#include "pg/uuid_ids.h"
#include "pg/verify_ledger.h"

namespace bulla {
namespace {

void Refuse(const char* message, const char* hint) {
  if (restore_mode) return;
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("%s", message),
                  errhint("%s", hint)));
}

void RefuseInheritance(Oid table, Oid parent) {
  Refuse(
      psprintf("table inheritance is not possible for a ledger: \"%s\" would inherit from \"%s\"",
               get_rel_name(table), get_rel_name(parent)),
      "Use declarative partitioning.");
}

bool HasRows(Oid leaf) {
  const Relation relation = table_open(leaf, AccessShareLock);
  TupleTableSlot* const row = table_slot_create(relation, nullptr);
  const TableScanDesc scan = table_beginscan(relation, GetActiveSnapshot(), 0, nullptr);
  const bool any = table_scan_getnextslot(scan, ForwardScanDirection, row);
  table_endscan(scan);
  ExecDropSingleTupleTableSlot(row);
  table_close(relation, AccessShareLock);
  return any;
}

void RefuseFinding(const Finding& finding, void* state) {
  if (!IsFault(finding) || strcmp(finding.verdict, "unprotected") == 0) return;
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("\"%s\" cannot be attached: its rows are not those of the ledger",
                  static_cast<const char*>(state)),
           errdetail("bulla.verify would report, in chain \"%s\" at seq %lld: %s, %s.",
                     finding.chain != nullptr ? finding.chain : "",
                     finding.seq != nullptr ? static_cast<long long>(*finding.seq) : -1LL,
                     finding.verdict, finding.detail),
           errhint("Attach an empty table, or a partition that was detached from this ledger, the "
                   "latest first, after bulla.drop_ledger on it.")));
}

// Anybody can compute hashes, so rows that match theirs are not enough: with them, the whole ledger has
// to be sound. No row may be appended meanwhile.
void VerifyWithItsRows(Oid ledger, Oid partition) {
  if (AnyChainOpen()) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("a table with rows cannot be attached to a ledger by a transaction that "
                           "has appended to one"),
                    errhint("Attach it in a transaction of its own.")));
  }
  // The table's lock waits for who inserts into the ledger, the ledger's chain lock for who inserts into
  // one of its partitions directly.
  LockRelationOid(ledger, ShareRowExclusiveLock);
  AcquireChainLock(LedgerLockTag(ledger), ExclusiveLock);
  const Relation relation = table_open(ledger, NoLock);
  ForgetHeadsAtCommit(DescribeLedger(relation));
  table_close(relation, NoLock);
  VerifyLedger(ledger, kWholeLedger, RefuseFinding, get_rel_name(partition));
}

// A partition may have constraints that the ledger has not.
void RefuseWhatKeepsValues(Oid partition, Oid ledger) {
  LedgerArguments arguments;
  if (!ReadLedgerArguments(ledger, &arguments)) return;
  for (int i = 0; i < arguments.erasable_count; ++i) {
    const char* const refusal = RefusalOfNull(partition, arguments.erasable[i], nullptr);
    if (refusal == nullptr) continue;
    Refuse(psprintf("\"%s\" cannot be a partition of ledger \"%s\": its column \"%s\" is erasable "
                    "there, but %s",
                    get_rel_name(partition), get_rel_name(ledger), arguments.erasable[i], refusal),
           "bulla.erase sets the column NULL: let the partition allow that.");
  }
}

// A table, with what is under it, has become part of a ledger.
void TakeIn(Oid partition, Oid ledger) {
  bool rows = false;
  ListCell* cell;
  PushActiveSnapshot(GetLatestSnapshot());
  foreach (cell, find_all_inheritors(partition, AccessShareLock, nullptr)) {
    const char kind = get_rel_relkind(lfirst_oid(cell));
    if (kind == RELKIND_FOREIGN_TABLE)
      Refuse(psprintf("foreign table \"%s\" cannot be a partition of ledger \"%s\"",
                      get_rel_name(lfirst_oid(cell)), get_rel_name(ledger)),
             "Bulla cannot protect rows of another server.");
    if (get_rel_persistence(lfirst_oid(cell)) != RELPERSISTENCE_PERMANENT)
      Refuse(psprintf("unlogged table \"%s\" cannot be a partition of ledger \"%s\"",
                      get_rel_name(lfirst_oid(cell)), get_rel_name(ledger)),
             "A crash empties it: run ALTER TABLE … SET LOGGED first.");
    RefuseWhatKeepsValues(lfirst_oid(cell), ledger);
    ProtectTable(lfirst_oid(cell), ledger);
    rows = rows || (kind == RELKIND_RELATION && HasRows(lfirst_oid(cell)));
  }
  PopActiveSnapshot();
  if (restore_mode) return;
  if (rows) VerifyWithItsRows(ledger, partition);

  const Relation relation = table_open(ledger, AccessShareLock);
  RecordEvent("ledger.partition_attached",
              EventDetail()
                  .Text("ledger", QualifiedName(ledger))
                  .Text("ledger_id", IdText(DescribeLedger(relation)->arguments.id))
                  .Text("partition", QualifiedName(partition)));
  table_close(relation, NoLock);
}

// The table as a child.
void JudgeParents(Oid table, Snapshot before) {
  List* const was = ParentsOf(table, before);
  const bool partition = get_rel_relispartition(table);
  ListCell* cell;
  foreach (cell, ParentsOf(table, nullptr)) {
    const Oid parent = lfirst_oid(cell);
    const Oid ledger = LedgerOf(parent, nullptr);
    if (!OidIsValid(ledger) && OwnTriggers(table, nullptr) == NIL) continue;
    if (!partition) RefuseInheritance(table, parent);
    if (partition && OidIsValid(ledger) && !list_member_oid(was, parent)) TakeIn(table, ledger);
  }
}

// The table as a parent: what ATTACH and DETACH change.
void JudgeChildren(Oid table, Snapshot before) {
  List* const was = ChildrenOf(table, before);
  List* const is = ChildrenOf(table, nullptr);
  const Oid ledger = LedgerOf(table, nullptr);
  ListCell* cell;
  foreach (cell, is) {
    if (list_member_oid(was, lfirst_oid(cell))) continue;
    if (OidIsValid(ledger)) {
      TakeIn(lfirst_oid(cell), ledger);
    } else if (OwnTriggers(lfirst_oid(cell), nullptr) != NIL) {
      Refuse(
          psprintf("ledger \"%s\" cannot become a partition", get_rel_name(lfirst_oid(cell))),
          "Make the partitioned table a ledger, after bulla.drop_ledger has taken this one apart.");
    }
  }
  foreach (cell, was) {
    if (!OidIsValid(ledger) || list_member_oid(is, lfirst_oid(cell))) continue;
    const char* const name = get_rel_name(lfirst_oid(cell));
    if (name == nullptr) continue;  // dropped: judged as such
    Refuse(psprintf("\"%s\" cannot be detached like this: rows of ledger \"%s\" are in it", name,
                    get_rel_name(ledger)),
           "bulla.detach_partition does it, and notes where the rest of the ledger begins.");
  }
}

}  // namespace

void JudgePlace(Oid table, Snapshot before) {
  JudgeParents(table, before);
  if (get_rel_relkind(table) == RELKIND_PARTITIONED_TABLE) JudgeChildren(table, before);
}

}  // namespace bulla
