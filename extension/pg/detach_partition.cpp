#include "pg/detach_partition.h"

extern "C" {
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
}

#include "pg/chain_boundaries.h"
#include "pg/ledger_relation.h"
#include "pg/ledger_triggers.h"
#include "pg/make_ledger.h"
#include "pg/own_ddl.h"
#include "pg/row_record.h"
#include "pg/row_scan.h"
#include "pg/run_command.h"
#include "pg/seal_chain.h"
#include "pg/verify_findings.h"
#include "pg/verify_links.h"
#include "pg/verify_scan.h"
#include "pg/verify_since.h"

namespace bulla {
namespace {

void RequireLeaf(Oid ledger, Oid partition) {
  LockRelationOid(partition, AccessExclusiveLock);
  if (get_rel_relispartition(partition) && get_rel_relkind(partition) == RELKIND_RELATION) {
    const Relation relation = table_open(partition, NoLock);
    const Oid root = DescribeLedger(relation)->root;
    table_close(relation, NoLock);
    if (root == ledger) return;
  }
  ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                  errmsg("\"%s\" is not a partition of ledger \"%s\" that holds rows",
                         get_rel_name(partition), get_rel_name(ledger)),
                  errhint("Where partitions have partitions, detach those that hold the rows.")));
}

struct Refusal {
  const char* partition;
};

void RefuseFinding(const Finding& finding, void* state) {
  const char* const partition = static_cast<Refusal*>(state)->partition;
  const bool missing = strcmp(finding.verdict, "missing") == 0;
  ereport(
      ERROR,
      (errcode(missing ? ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE : ERRCODE_DATA_CORRUPTED),
       missing ? errmsg("the rows in \"%s\" are not the first of their chain", partition)
               : errmsg("the rows in \"%s\" do not verify", partition),
       errdetail("Chain \"%s\", seq %lld: %s, %s.", finding.chain != nullptr ? finding.chain : "",
                 static_cast<long long>(finding.seq != nullptr ? *finding.seq : -1),
                 finding.verdict, finding.detail),
       missing ? errhint("Detach the partitions with the rows before them first.") : 0));
}

// The chain goes on behind the row that goes last.
void RequireRest(Oid ledger, const char* partition, const char* chain, const ChainHead& last) {
  const ChainHead head = ScanHead(ledger, ChainOfLedger(ledger, chain), GetActiveSnapshot());
  if (head.seq > last.seq) return;
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("all rows of chain \"%s\" are in \"%s\"", chain, partition),
           errhint("A chain keeps its last row: append one to it first that goes into another "
                   "partition, such as one that says that it is at rest.")));
}

void Detach(Oid ledger, Oid partition, const char* name) {
  const Relation relation = table_open(ledger, NoLock);
  const char* const arguments = LedgerArgumentsSql(DescribeLedger(relation)->arguments);
  table_close(relation, NoLock);
  BeginOwnDdl(ledger);
  RunCommand(psprintf("ALTER TABLE %s DETACH PARTITION %s",
                      QualifiedName(get_partition_parent(partition, false)), name));
  EndOwnDdl();
  BeginOwnDdl(partition);
  ProtectDetached(partition, arguments);
  EndOwnDdl();
}

}  // namespace

int64 DetachPartition(Oid ledger, Oid partition) {
  RequireLeaf(ledger, partition);
  const char* const name = QualifiedName(partition);
  PushActiveSnapshot(GetLatestSnapshot());
  const ChainBoundaries* const boundaries = ReadChainBoundaries(IdOfLedger(ledger));
  Refusal refusal{get_rel_name(partition)};
  FindingSorter* const findings = NewFindingSorter();
  RowCheck* const check = NewRowCheck(0, PG_INT64_MAX, KeepFinding, findings);
  CheckTables(check, list_make1_oid(partition));
  ReportLinks(check, boundaries);
  ReportSorted(findings, RefuseFinding, &refusal);

  RowCheck* const next = NewRowCheck(0, 0, RefuseFinding, &refusal);
  for (auto& [key, chain] : *check->chains) {
    CHECK_FOR_INTERRUPTS();
    const ChainHead last = chain->links.head();
    RequireSealed(ledger, chain->name.c_str(), last.seq);
    RequireRest(ledger, refusal.partition, chain->name.c_str(), last);
    const GrownChain first_that_stays{chain->name.c_str(), last.seq + 1, {last.seq + 1, {}}};
    VerifyChainRows(ledger, &first_that_stays, next, boundaries);
    RecordBoundary(kDetachedEvent, ledger, name, chain->name.c_str(), last.seq, last.hash,
                   chain->links.rows());
  }
  PopActiveSnapshot();
  Detach(ledger, partition, name);
  return check->rows;
}

}  // namespace bulla
