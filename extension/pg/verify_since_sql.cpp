// SQL functions that verify what is new since a verification that was recorded, and record one.

#include "pg/boundary.h"

extern "C" {
#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
}

#include "pg/append_queue.h"
#include "pg/arguments.h"
#include "pg/chain_heads.h"
#include "pg/durable.h"
#include "pg/event_log.h"
#include "pg/ledger_relation.h"
#include "pg/row_record.h"
#include "pg/transaction_events.h"
#include "pg/uuid_ids.h"
#include "pg/verify_epochs.h"
#include "pg/verify_ledger.h"
#include "pg/verify_since.h"
#include "pg/verify_trees.h"
#include "pg/versions.h"

namespace bulla {
namespace {

void RefuseWhereNothingCanBeWritten() {
  if (RecoveryInProgress()) {
    ereport(ERROR,
            (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
             errmsg("a verification cannot be recorded on a standby"),
             errhint("bulla.verify and bulla.verify_since work here; record on the primary.")));
  }
  PreventCommandIfReadOnly("bulla.record_verification()");
}

struct FirstFinding {
  char* text;  // null where there is none
};

void KeepFirst(const Finding& finding, void* state) {
  auto* const first = static_cast<FirstFinding*>(state);
  if (first->text != nullptr) return;
  first->text = finding.seq != nullptr
                    ? psprintf("%s, chain \"%s\", seq %lld: %s.", finding.verdict, finding.chain,
                               static_cast<long long>(*finding.seq), finding.detail)
                    : psprintf("%s: %s.", finding.verdict, finding.detail);
}

// A restore that was recorded keeps no verification from being.
void KeepFault(const Finding& finding, void* sorter) {
  if (IsFault(finding)) KeepFinding(finding, sorter);
}

void RefuseFindings(Oid ledger, FindingSorter* findings) {
  FirstFinding first = {};
  const int64 count = ReportSorted(findings, KeepFirst, &first);
  if (count == 0) return;
  ereport(ERROR,
          (errcode(ERRCODE_DATA_CORRUPTED),
           errmsg("ledger \"%s\" does not verify (findings: %lld): nothing was recorded",
                  get_rel_name(ledger), static_cast<long long>(count)),
           errdetail("The first is %s", first.text),
           errhint("SELECT * FROM bulla.verify_since(…) and bulla.verify(…) tell all of them.")));
}

void RecordPositions(Oid ledger, List* chains) {
  const char* const id = IdText(IdOfLedger(ledger));
  ListCell* cell;
  foreach (cell, chains) {
    CHECK_FOR_INTERRUPTS();
    const auto* const chain = static_cast<const GrownChain*>(lfirst(cell));
    RecordEvent(kVerifiedEvent,
                EventDetail()
                    .Text("ledger_id", id)
                    .Text("chain", chain->name)
                    .Number("seq", chain->head.seq)
                    .Bytes("hash", chain->head.hash.bytes.data(), chain->head.hash.bytes.size()));
  }
}

}  // namespace

BULLA_FUNCTION(bulla_verify_since);
Datum bulla_verify_since(PG_FUNCTION_ARGS) {
  const Oid ledger = ReadableLedger(fcinfo);
  RefuseDetachedPart(ledger);
  ReturnSet(fcinfo);
  FlushQueue();  // what this transaction queued is part of what it sees
  SealedLeaves* const sealed = SealedLeavesOf(ledger);
  PushActiveSnapshot(GetLatestSnapshot());
  FindingSorter* const findings = NewFindingSorter();
  List* const grown = FindGrownChains(ledger, sealed, KeepFinding, findings);
  VerifyGrownChains(ledger, sealed, grown, KeepFinding, findings);
  FlushWhatWasRead();
  PopActiveSnapshot();
  ReportSorted(findings, PutFinding, fcinfo->resultinfo);
  return Datum{0};
}

BULLA_FUNCTION(bulla_record_verification);
Datum bulla_record_verification(PG_FUNCTION_ARGS) {
  RefuseWhereNothingCanBeWritten();
  const Oid ledger = ReadableLedger(fcinfo);
  RefuseDetachedPart(ledger);
  RefuseNull(fcinfo, 1, "whole");
  FlushQueue();  // what this transaction queued is part of what it sees
  SealedLeaves* const sealed = SealedLeavesOf(ledger);
  PushActiveSnapshot(GetLatestSnapshot());
  FindingSorter* const findings = NewFindingSorter();
  // What the whole is verified as of comes later, so it has what is recorded here.
  List* grown;
  if (PG_GETARG_BOOL(1)) {
    grown = FindGrownChainsOfWhole(ledger, KeepFault, findings);
    VerifyLedger(ledger, kWholeLedger, KeepFault, findings);
  } else {
    grown = FindGrownChains(ledger, sealed, KeepFault, findings);
    VerifyGrownChains(ledger, sealed, grown, KeepFault, findings);
  }
  PopActiveSnapshot();
  RefuseFindings(ledger, findings);
  RecordPositions(ledger, grown);
  CommitDurably();
  PG_RETURN_INT64(list_length(grown));
}

BULLA_FUNCTION(bulla_chain_heads);
Datum bulla_chain_heads(PG_FUNCTION_ARGS) {
  const Oid ledger = ReadableLedger(fcinfo);
  ReturnSet(fcinfo);
  const auto* const result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  FlushQueue();
  PushActiveSnapshot(GetLatestSnapshot());
  const ChainHeads* const heads = ReadChainHeads(ledger, GetActiveSnapshot());
  FlushWhatWasRead();
  PopActiveSnapshot();
  for (auto& [name, head] : heads->by_name) {
    Datum values[] = {CStringGetTextDatum(name.c_str()), Int64GetDatum(head.seq),
                      HashDatum(head.hash)};
    bool nulls[lengthof(values)] = {};
    tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
  }
  return Datum{0};
}

// What bulla.verify_in_steps begins with: the last row of each chain, with no verdict, and findings that no
// range of a chain shows.
BULLA_FUNCTION(bulla_chains_to_verify);
Datum bulla_chains_to_verify(PG_FUNCTION_ARGS) {
  const Oid ledger = ReadableLedger(fcinfo);
  ReturnSet(fcinfo);
  auto* const result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  FlushQueue();
  const SealedLeaves* const sealed = SealedLeavesOf(ledger);
  PushActiveSnapshot(GetLatestSnapshot());
  FindingSorter* const findings = NewFindingSorter();
  VerifyProtection(ledger, KeepFinding, findings);
  VerifySchema(ledger, KeepFinding, findings);
  VerifyLostLedgers(ledger, KeepFinding, findings);
  if (CanReadRows(ledger, KeepFinding, findings)) {
    RowCheck* const others = NewRowCheck(0, PG_INT64_MAX, KeepFinding, findings);
    const ChainHeads* const heads = ReadChainHeads(ledger, GetActiveSnapshot(), CheckRow, others);
    if (sealed != nullptr) {
      VerifyTrees(IdOfLedger(ledger), sealed,
                  {nullptr, nullptr, heads, ReadChainBoundaries(IdOfLedger(ledger)), true},
                  KeepFinding, findings);
    }
    for (auto& [name, head] : heads->by_name) {
      Datum values[] = {CStringGetTextDatum(name.c_str()), Int64GetDatum(head.seq), Datum{0},
                        Datum{0}};
      bool nulls[lengthof(values)] = {false, false, true, true};
      tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    }
  }
  if (sealed != nullptr) VerifyEpochs(IdOfLedger(ledger), nullptr, true, KeepFinding, findings);
  FlushWhatWasRead();
  PopActiveSnapshot();
  ReportSorted(findings, PutFinding, result);
  return Datum{0};
}

}  // namespace bulla
