#include "pg/prune.h"

extern "C" {
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
}

#include "pg/boundary.h"
#include "pg/chain_boundaries.h"
#include "pg/permission.h"
#include "pg/row_record.h"
#include "pg/row_scan.h"
#include "pg/seal_chain.h"
#include "pg/verify_findings.h"
#include "pg/verify_since.h"

namespace bulla {
namespace {

// Rows that may be deleted: of this chain, below `before`.
struct Pruning {
  Oid ledger;
  Bytes chain_key;
  int64 before;
};

struct EdgeRow {
  bool found;
  LeafHash hash;
  Bytes chain_key;
};

void ReadEdge(LedgerRelation* leaf, TupleTableSlot* row, void* state) {
  auto* const edge = static_cast<EdgeRow*>(state);
  slot_getallattrs(row);
  RowChain chain;
  if (edge->found || row->tts_isnull[leaf->hash] ||
      !ChainOfRow(leaf, row->tts_values, row->tts_isnull, &chain) ||
      !ReadHash(row->tts_values[leaf->hash], &edge->hash)) {
    return;
  }
  edge->found = true;
  auto* const key = static_cast<std::byte*>(palloc(chain.key.size() + 1));
  if (!chain.key.empty()) memcpy(key, chain.key.data(), chain.key.size());
  edge->chain_key = {key, chain.key.size()};
}

struct FirstFinding {
  char* text;
};

void KeepFirst(const Finding& finding, void* state) {
  auto* const first = static_cast<FirstFinding*>(state);
  if (first->text == nullptr)
    first->text = psprintf("%s at seq %lld: %s", finding.verdict,
                           static_cast<long long>(finding.seq != nullptr ? *finding.seq : -1),
                           finding.detail);
}

// The rows that go, and the first that stays. What does not verify is evidence, and stays.
void RequireSound(Oid ledger, const char* chain, int64 first, int64 before,
                  const ChainBoundaries* boundaries) {
  FindingSorter* const findings = NewFindingSorter();
  RowCheck* const check = NewRowCheck(0, 0, KeepFinding, findings);
  const GrownChain rows{chain, first, {before, {}}};
  VerifyChainRows(ledger, &rows, check, boundaries);
  FirstFinding found = {};
  if (ReportSorted(findings, KeepFirst, &found) == 0) return;
  ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("the rows to be pruned do not verify"),
                  errdetail("The first finding is %s.", found.text),
                  errhint("Nothing was removed. bulla.verify tells all findings.")));
}

// "DELETE FROM ledger WHERE chain_by = $1 AND … AND seq < $n", with its arguments.
struct Deletion {
  char* text;
  int arguments;
  Oid* types;
  Datum* values;
};

Deletion MakeDeletion(Oid table, ChainValues chain, int64 before) {
  const Relation relation = table_open(table, AccessShareLock);
  const LedgerRelation* const ledger = DescribeLedger(relation);
  const int count = ledger->arguments.chain_by_count;
  Deletion deletion{nullptr, count + 1, static_cast<Oid*>(palloc(sizeof(Oid) * (count + 1))),
                    static_cast<Datum*>(palloc(sizeof(Datum) * (count + 1)))};
  StringInfoData sql;
  initStringInfo(&sql);
  appendStringInfo(&sql, "DELETE FROM %s WHERE ", QualifiedName(table));
  for (int i = 0; i < count; ++i) {
    const LedgerColumn& column = ledger->columns[ledger->chain_by[i]];
    deletion.types[i] = column.type_oid;
    deletion.values[i] = chain[i];
    appendStringInfo(&sql, "%s OPERATOR(pg_catalog.=) $%d AND ", quote_identifier(column.name),
                     i + 1);
  }
  appendStringInfo(&sql, "seq OPERATOR(pg_catalog.<) $%d", count + 1);
  deletion.types[count] = INT8OID;
  deletion.values[count] = Int64GetDatum(before);
  deletion.text = sql.data;
  table_close(relation, AccessShareLock);
  return deletion;
}

int64 Delete(Oid ledger, const Deletion& deletion, Bytes chain_key, int64 before) {
  return Enter([&]() -> Result<int64> {
    const Permission permission(Pruning{ledger, chain_key, before});
    return CallPg([&] {
      if (SPI_execute_with_args(deletion.text, deletion.arguments, deletion.types, deletion.values,
                                nullptr, false, 0) != SPI_OK_DELETE) {
        elog(ERROR, "SPI failed on: %s", deletion.text);
      }
      return static_cast<int64>(SPI_processed);
    });
  });
}

}  // namespace

bool IsBeingPruned(const LedgerRelation* ledger, TupleTableSlot* row) {
  const Pruning* const pruning = Permission<Pruning>::Current();
  if (pruning == nullptr || pruning->ledger != ledger->root) return false;
  slot_getallattrs(row);
  RowChain chain;
  return !row->tts_isnull[ledger->seq] &&
         DatumGetInt64(row->tts_values[ledger->seq]) < pruning->before &&
         ChainOfRow(ledger, row->tts_values, row->tts_isnull, &chain) &&
         SameBytes(pruning->chain_key, chain.key);
}

int64 PruneChain(Oid ledger, const char* chain, int64 before) {
  const ChainValues values = ChainOfLedger(ledger, chain);
  PushActiveSnapshot(GetLatestSnapshot());
  const ChainHead head = ScanHead(ledger, values, GetActiveSnapshot());
  if (head.seq < 0 && *chain != '\0') {
    ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
                    errmsg("ledger \"%s\" has no chain \"%s\"", get_rel_name(ledger), chain)));
  }
  const ChainBoundaries* const boundaries = ReadChainBoundaries(IdOfLedger(ledger));
  const ChainBoundary* const last = FindBoundary(boundaries, chain);
  const int64 first = last != nullptr ? last->seq : 0;
  before = Max(Min(before, head.seq), 0) / kPruneUnit * kPruneUnit;
  if (before <= first) {
    PopActiveSnapshot();
    return 0;
  }
  RequireSealed(ledger, chain, before - 1);
  RequireSound(ledger, chain, first, before, boundaries);
  EdgeRow edge = {};
  ScanRows(ledger, values, before - 1, before - 1, GetActiveSnapshot(), ReadEdge, &edge);
  PopActiveSnapshot();
  RecordBoundary(kPrunedEvent, ledger, nullptr, chain, before - 1, edge.hash, before - first);
  const int64 deleted =
      Delete(ledger, MakeDeletion(ledger, values, before), edge.chain_key, before);
  if (deleted != before - first) {
    ereport(ERROR,
            (errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
             errmsg("%lld rows were to be pruned, but %lld were deleted",
                    static_cast<long long>(before - first), static_cast<long long>(deleted)),
             errhint("A trigger, a policy, or rows that the chain should not have, are in the way; "
                     "so is a snapshot of before they were written.")));
  }
  return deleted;
}

}  // namespace bulla
