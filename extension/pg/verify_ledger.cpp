#include "pg/verify_ledger.h"

#include <algorithm>
#include <memory>
#include <string>
#include <unordered_map>

extern "C" {
#include "access/table.h"
#include "access/tableam.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
}

#include "core/link_check.h"
#include "pg/boundary.h"
#include "pg/context_owned.h"
#include "pg/durable.h"
#include "pg/ledger_checks.h"
#include "pg/ledger_relation.h"
#include "pg/row_record.h"
#include "pg/row_scan.h"

namespace bulla {
namespace {

struct ChainState {
  std::string name;
  LinkCheck links;
  int64 highest_seq = -1;  // outside the range too
};

struct ChainStates {
  std::unordered_map<std::string, std::unique_ptr<ChainState>> by_key;
  std::string recent_key;
  ChainState* recent = nullptr;
};

struct Run {
  VerifyRange range;
  ReportFinding report;
  void* report_state;
  ChainStates* chains;
  MemoryContext row_memory;
  int64 rows;
};

// The state of the row's chain; nullptr when it is new.
ChainState* FindState(ChainStates* chains, Bytes key) {
  if (chains->recent != nullptr && SameBytes(AsBytes(chains->recent_key), key))
    return chains->recent;
  return Enter([&]() -> Result<ChainState*> {
    std::string name(AsText(key));
    const auto found = chains->by_key.find(name);
    if (found == chains->by_key.end()) return nullptr;
    chains->recent = found->second.get();
    chains->recent_key = std::move(name);
    return chains->recent;
  });
}

ChainState* StateOf(ChainStates* chains, const LedgerRelation* ledger, const RowChain& chain) {
  if (ChainState* const known = FindState(chains, chain.key)) return known;
  const char* const name = NameOfChain(ledger, chain.values);
  return Enter([&]() -> Result<ChainState*> {
    auto state = std::make_unique<ChainState>();
    state->name = name;
    return chains->by_key.emplace(std::string(AsText(chain.key)), std::move(state))
        .first->second.get();
  });
}

const char* Hex(const LeafHash& hash) {
  char* const text = static_cast<char*>(palloc(2 * hash.bytes.size() + 1));
  for (size_t i = 0; i < hash.bytes.size(); ++i)
    sprintf(text + 2 * i, "%02x", std::to_integer<unsigned>(hash.bytes[i]));
  return text;
}

void ReportRow(const Run* run, const char* chain, const int64* seq, const char* detail) {
  run->report({chain, seq, "altered", detail}, run->report_state);
}

const char* Place(TupleTableSlot* row) {
  return psprintf("row at ctid (%u,%u)", ItemPointerGetBlockNumber(&row->tts_tid),
                  ItemPointerGetOffsetNumber(&row->tts_tid));
}

void CheckRow(Run* run, const LedgerRelation* ledger, TupleTableSlot* row) {
  slot_getallattrs(row);
  const Datum* const values = row->tts_values;
  const bool* const nulls = row->tts_isnull;
  RowChain chain;
  LeafHash prev_hash;
  LeafHash hash;
  if (!ChainOfRow(ledger, values, nulls, &chain)) {
    ++run->rows;
    ReportRow(
        run, nullptr, nullptr,
        psprintf("%s belongs to no chain: a chain_by column is null or too long", Place(row)));
    return;
  }
  ChainState* const state = StateOf(run->chains, ledger, chain);
  const int64 seq = nulls[ledger->seq] ? -1 : DatumGetInt64(values[ledger->seq]);
  if (seq < 0 || seq == PG_INT64_MAX) {
    ++run->rows;
    ReportRow(run, state->name.c_str(), nulls[ledger->seq] ? nullptr : &seq,
              psprintf("%s has no valid seq", Place(row)));
    return;
  }
  state->highest_seq = Max(state->highest_seq, seq);
  if (seq + 1 < run->range.first || seq > run->range.last) return;
  const bool readable = !nulls[ledger->prev_hash] && !nulls[ledger->hash] &&
                        ReadHash(values[ledger->prev_hash], &prev_hash) &&
                        ReadHash(values[ledger->hash], &hash);
  Enter([&]() -> Result<void> {
    if (readable) {
      state->links.Add(seq, prev_hash, hash);
    } else {
      state->links.AddDamaged(seq);
    }
    return {};
  });
  if (seq < run->range.first) return;  // the predecessor of the range: looked at for its hash only

  ++run->rows;
  if (!readable) {
    ReportRow(run, state->name.c_str(), &seq, "prev_hash or hash is not 32 bytes");
    return;
  }
  LeafHash actual;
  if (!HashRow(ledger, chain, values, nulls, seq, prev_hash, &actual)) {
    ReportRow(run, state->name.c_str(), &seq, "its record exceeds the size limit");
  } else if (actual != hash) {
    ReportRow(run, state->name.c_str(), &seq,
              psprintf("the row hashes to %s, its hash is %s", Hex(actual), Hex(hash)));
  }
}

void CheckRowInItsMemory(LedgerRelation* leaf, TupleTableSlot* row, void* state) {
  auto* const run = static_cast<Run*>(state);
  CHECK_FOR_INTERRUPTS();
  const MemoryContext caller = MemoryContextSwitchTo(run->row_memory);
  CheckRow(run, leaf, row);
  MemoryContextSwitchTo(caller);
  MemoryContextReset(run->row_memory);
}

// In the order the rows are stored: faster than by any index, and LinkCheck does not mind.
void CheckAllRows(Run* run, Oid leaf) {
  const Relation relation = table_open(leaf, AccessShareLock);
  LedgerRelation* const ledger = DescribeLedger(relation);
  TupleTableSlot* const row = table_slot_create(relation, nullptr);
  const TableScanDesc scan = table_beginscan(relation, GetActiveSnapshot(), 0, nullptr);
  while (table_scan_getnextslot(scan, ForwardScanDirection, row))
    CheckRowInItsMemory(ledger, row, run);
  table_endscan(scan);
  ExecDropSingleTupleTableSlot(row);
  table_close(relation, AccessShareLock);
}

// Rows of one chain by its index; its head tells whether rows are missing at the end of the range.
void CheckChain(Run* run, Oid ledger, const char* name) {
  const Relation relation = table_open(ledger, AccessShareLock);
  const ChainValues chain = ChainOfName(DescribeLedger(relation), name);
  const int64 before = run->range.first > 0 ? run->range.first - 1 : 0;
  ScanRows(ledger, chain, before, run->range.last, GetActiveSnapshot(), CheckRowInItsMemory, run);
  const ChainHead head = ScanHead(ledger, chain, GetActiveSnapshot());
  if (head.seq < 0 && run->rows == 0 && *name != '\0') {
    ereport(ERROR,
            (errcode(ERRCODE_NO_DATA_FOUND),
             errmsg("ledger \"%s\" has no chain \"%s\"", RelationGetRelationName(relation), name),
             errhint("A chain is named by the text of its chain_by value, or of a row of them.")));
  }
  Enter([&]() -> Result<void> {
    // Where the range has no row at all, the chain is still to be judged.
    if (run->chains->by_key.empty() && head.seq >= 0) {
      run->chains->by_key.emplace("", std::make_unique<ChainState>()).first->second->name = name;
    }
    for (auto& [key, state] : run->chains->by_key)
      state->highest_seq = std::max(state->highest_seq, head.seq);
    return {};
  });
  table_close(relation, AccessShareLock);
}

const char* LinkDetail(const LinkFinding& finding) {
  switch (finding.verdict) {
    case LinkVerdict::kRelinked:
      return finding.first == 0 ? "the first row has a prev_hash"
                                : "prev_hash is not the hash of the row before";
    case LinkVerdict::kDuplicate:
      return "another row has the same seq";
    case LinkVerdict::kMissing:
      break;
  }
  return finding.first == finding.last
             ? "the row is not there"
             : psprintf("%lld rows are not there, up to seq %lld",
                        static_cast<long long>(finding.last - finding.first + 1),
                        static_cast<long long>(finding.last));
}

const char* VerdictName(LinkVerdict verdict) {
  switch (verdict) {
    case LinkVerdict::kRelinked:
      return "relinked";
    case LinkVerdict::kMissing:
      return "missing";
    case LinkVerdict::kDuplicate:
      return "duplicate";
  }
  pg_unreachable();
}

struct LinkFindings {
  std::vector<LinkFinding> list;
};

void ReportLinks(const Run* run, LinkFindings* findings) {
  for (auto& [key, state] : run->chains->by_key) {
    const ChainState* const chain = state.get();
    Enter([&]() -> Result<void> {
      findings->list =
          chain->links.Finish(run->range.first, std::min(run->range.last, chain->highest_seq));
      return {};
    });
    for (const LinkFinding& finding : findings->list) {
      run->report(
          {chain->name.c_str(), &finding.first, VerdictName(finding.verdict), LinkDetail(finding)},
          run->report_state);
    }
  }
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
  // Of now, whatever the isolation level: a transaction's own rows may follow rows that its snapshot does
  // not show.
  PushActiveSnapshot(GetLatestSnapshot());
  Run run{range, report, state, NewInContext<ChainStates>(), nullptr, 0};
  auto* const findings = NewInContext<LinkFindings>();
  run.row_memory =
      AllocSetContextCreate(CurrentMemoryContext, "bulla verified row", ALLOCSET_DEFAULT_SIZES);
  if (range.chain != nullptr) {
    CheckChain(&run, ledger, range.chain);
  } else {
    ListCell* cell;
    foreach (cell, LedgerLeaves(ledger)) CheckAllRows(&run, lfirst_oid(cell));
  }
  ReportLinks(&run, findings);
  VerifyProtection(ledger, report, state);
  FlushWhatWasRead();
  PopActiveSnapshot();

  Verified verified{run.rows, static_cast<int64>(run.chains->by_key.size()), {}};
  if (verified.chains == 1) verified.head = run.chains->by_key.begin()->second->links.head();
  return verified;
}

}  // namespace bulla
