#include "pg/verify_ledger.h"

#include <algorithm>
#include <vector>

extern "C" {
#include "access/table.h"
#include "access/tableam.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
}

#include "pg/boundary.h"
#include "pg/append_queue.h"
#include "pg/chain_heads.h"
#include "pg/context_owned.h"
#include "pg/durable.h"
#include "pg/ledger_checks.h"
#include "pg/ledger_relation.h"
#include "pg/log_chain.h"
#include "pg/row_record.h"
#include "pg/row_scan.h"
#include "pg/verify_epochs.h"
#include "pg/verify_links.h"
#include "pg/verify_progress.h"
#include "pg/verify_scan.h"
#include "pg/verify_trees.h"

namespace bulla {
namespace {

// Then it is known, though no row may be left.
bool WasSealed(const RowCheck* check, Oid ledger, const char* name) {
  if (check->sealed == nullptr) return false;
  const LogChain chain = NameLogChain(ledger, name);
  return IsSealed(check->sealed, name) || HeadsTellOf(chain.ledger_id, chain.chain_id);
}

// Rows of one chain by its index; its head tells whether rows are missing at the end of the range.
void CheckChain(RowCheck* check, Oid ledger, const char* name) {
  const Relation relation = table_open(ledger, AccessShareLock);
  const ChainValues chain = ChainOfName(DescribeLedger(relation), name);
  // From the chain's beginning also what stands before it.
  const int64 before = check->first > 0 ? check->first - 1 : PG_INT64_MIN;
  ScanRows(ledger, chain, before, check->last, GetActiveSnapshot(), CheckRow, check);
  const ChainHead head = ScanDamagedHead(ledger, chain, GetActiveSnapshot(), CheckRow, check);
  EndRows(check);
  if (head.seq < 0 && check->rows == 0 && *name != '\0' && !WasSealed(check, ledger, name)) {
    ereport(ERROR,
            (errcode(ERRCODE_NO_DATA_FOUND),
             errmsg("ledger \"%s\" has no chain \"%s\"", RelationGetRelationName(relation), name),
             errhint("A chain is named by the text of its chain_by value, or of a row of them.")));
  }
  Enter([&]() -> Result<void> {
    // Where the range has no row at all, the chain is still to be judged.
    if (check->chains->size() == 0 && head.seq >= 0) check->chains->Add({}, name);
    for (auto& [key, state] : *check->chains)
      state->highest_seq = std::max(state->highest_seq, head.seq);
    return {};
  });
  table_close(relation, AccessShareLock);
}

// What can be said where all chains were read.
void ReportWholeChains(const RowCheck* check, Oid ledger, const ChainBoundaries* boundaries) {
  const Relation relation = table_open(ledger, AccessShareLock);
  if (!IsDetachedPart(relation)) {
    ReportLostChains(check, boundaries);
  } else if (check->last == PG_INT64_MAX) {
    ReportShortParts(check, boundaries);
  }
  table_close(relation, AccessShareLock);
}

// Of all chains, or of one.
void CheckRows(RowCheck* check, Oid ledger, const char* chain, const ChainBoundaries* boundaries) {
  if (chain != nullptr) {
    CheckChain(check, ledger, chain);
  } else {
    CheckTables(check, LedgerLeaves(ledger));
  }
  ReportLinks(check, boundaries);
  if (chain == nullptr) ReportWholeChains(check, ledger, boundaries);
}

// As far as rows were met.
const ChainHeads* HeadsOf(const RowCheck* check) {
  auto* const heads = NewInContext<ChainHeads>();
  Enter([&]() -> Result<void> {
    for (const auto& [key, chain] : *check->chains)
      heads->by_name[chain->name].seq = chain->highest_seq;
    return {};
  });
  return heads;
}

// -1 where nobody knows.
int64 EstimateRows(Oid ledger, const VerifyRange& range) {
  if (range.chain != nullptr)
    return range.last < PG_INT64_MAX ? Max(range.last - range.first + 1, 0) : -1;
  double rows = 0;
  ListCell* cell;
  foreach (cell, LedgerLeaves(ledger)) {
    const Relation leaf = table_open(lfirst_oid(cell), AccessShareLock);
    const double of_leaf = leaf->rd_rel->reltuples;
    table_close(leaf, AccessShareLock);
    if (of_leaf < 0) return -1;
    rows += of_leaf;
  }
  return static_cast<int64>(rows);
}

}  // namespace

void CheckMayRead(Oid ledger) {
  CheckTableExists(ledger);
  const AclResult allowed = pg_class_aclcheck(ledger, GetUserId(), ACL_SELECT);
  if (allowed != ACLCHECK_OK)
    aclcheck_error(allowed, get_relkind_objtype(get_rel_relkind(ledger)), get_rel_name(ledger));
  if (check_enable_rls(ledger, InvalidOid, true) == RLS_ENABLED) {
    ereport(
        ERROR,
        (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
         errmsg("row-level security hides rows of ledger \"%s\" from you", get_rel_name(ledger)),
         errhint("Only who sees every row can verify: the owner, or a role with BYPASSRLS.")));
  }
}

Verified VerifyLedger(Oid ledger, const VerifyRange& range, ReportFinding report, void* state) {
  FlushQueue();  // what this transaction queued is part of what it sees
  // Before the rows: what is sealed later may be of rows that are not seen here.
  SealedLeaves* const sealed = SealedLeavesOf(ledger);
  // Of now, whatever the isolation level: a transaction's own rows may follow rows that its snapshot does
  // not show.
  PushActiveSnapshot(GetLatestSnapshot());
  FindingSorter* const findings = NewFindingSorter();
  RowCheck* const check = NewRowCheck(range.first, range.last, KeepFinding, findings);
  check->sealed = sealed;
  const ChainBoundaries* const boundaries = ReadChainBoundaries(IdOfLedger(ledger));
  BeginProgress(check, ledger, EstimateRows(ledger, range));
  if (CanReadRows(ledger, KeepFinding, findings)) {
    CheckRows(check, ledger, range.chain, boundaries);
    // Where chains end is known only where they were read to their ends.
    if (sealed != nullptr && range.last == PG_INT64_MAX) {
      VerifyTrees(IdOfLedger(ledger), sealed,
                  {range.chain,
                   range.chain != nullptr ? NameLogChain(ledger, range.chain).chain_id : nullptr,
                   HeadsOf(check), boundaries, range.first == 0},
                  KeepFinding, findings);
    }
  }
  if (sealed != nullptr) {
    VerifyEpochs(IdOfLedger(ledger), range.chain, range.first == 0 && range.last == PG_INT64_MAX,
                 KeepFinding, findings);
  }
  VerifyProtection(ledger, KeepFinding, findings);
  VerifySchema(ledger, KeepFinding, findings);
  VerifyLostLedgers(ledger, KeepFinding, findings);
  FlushWhatWasRead();
  PopActiveSnapshot();
  EndProgress();
  ReportSorted(findings, report, state);

  Verified verified{check->rows, check->erased, static_cast<int64>(check->chains->size()), {}};
  if (verified.chains == 1) verified.head = check->chains->begin()->second->links.head();
  return verified;
}

}  // namespace bulla
