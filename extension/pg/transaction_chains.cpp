#include "pg/transaction_chains.h"

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

extern "C" {
#include "access/xact.h"
#include "access/xlog.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "replication/syncrep.h"
#include "storage/sinval.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
}

#include "pg/boundary.h"
#include "pg/busy_hint.h"
#include "pg/chain_lock.h"
#include "pg/head_cache.h"
#include "pg/settings.h"

namespace bulla {

// Exists as long as the transaction holds the chain.
struct OpenChain {
  OpenChain(const ChainIdentity& chain_identity, const LOCKTAG& lock_tag,
            const ChainHead& committed)
      : identity(chain_identity), tag(lock_tag), tail(committed) {
    MarkBusy(tag);
  }
  ~OpenChain() { MarkFree(tag); }
  OpenChain(const OpenChain&) = delete;
  OpenChain& operator=(const OpenChain&) = delete;

  ChainIdentity identity;
  LOCKTAG tag;
  ChainTail tail;
  bool drawn = false;  // since the end of its last statement: stands in OpenLedger::drawn
};

namespace {

// With this many chains of one ledger open, the transaction locks the ledger instead of further chains:
// the server's lock table is finite.
constexpr size_t kMaxChainLocks = 64;

struct OpenLedger {
  std::unordered_map<std::string, std::unique_ptr<OpenChain>> chains;  // by chain key
  std::vector<uint32_t> statements;  // open INSERT statements: the subtransaction level of each
  std::vector<OpenChain*> drawn;     // chains to settle when a statement ends
  OpenChain* recent = nullptr;
  std::string recent_key;
  LOCKMODE ledger_lock = NoLock;
  bool forget_heads = false;
};

// A table can be one ledger, and after drop_ledger and create_ledger another, in one transaction.
struct LedgerKey {
  Oid table;
  LedgerId id;
  bool operator==(const LedgerKey&) const = default;
};
struct HashLedgerKey {
  size_t operator()(const LedgerKey& key) const { return key.table; }
};

LedgerKey KeyOf(const LedgerRelation* ledger) { return {ledger->root, ledger->arguments.id}; }

struct Transaction {
  std::unordered_map<LedgerKey, OpenLedger, HashLedgerKey> ledgers;
  int synchronous_commit = -1;  // what the session asked for, while it is overridden
};

// Never destroyed: static destructors would run after the backend's own cleanup.
Transaction& Current() {
  static Transaction* const transaction = new Transaction;
  return *transaction;
}

uint32_t Nest() { return static_cast<uint32_t>(GetCurrentTransactionNestLevel()); }

ChainIdentity Identify(const LedgerRelation* ledger, const RowChain& chain) {
  return {MyDatabaseId, ledger->root, ledger->arguments.id, DigestChainKey(chain)};
}

// Null where this transaction has not opened the chain.
OpenChain* FindChain(OpenLedger* ledger, Bytes key) {
  if (ledger->recent != nullptr && SameBytes(AsBytes(ledger->recent_key), key))
    return ledger->recent;
  std::string name(AsText(key));
  const auto found = ledger->chains.find(name);
  if (found == ledger->chains.end()) return nullptr;
  ledger->recent = found->second.get();
  ledger->recent_key = std::move(name);
  return ledger->recent;
}

OpenLedger* FindLedger(const LedgerKey& ledger) {
  const auto found = Current().ledgers.find(ledger);
  return found == Current().ledgers.end() ? nullptr : &found->second;
}

// A chain is locked under its ledger's lock in share mode, so that a transaction with very many chains
// can lock them all at once. A ledger with one chain needs no more than that chain's lock.
void LockChain(OpenLedger* open, const LedgerRelation* ledger, const LOCKTAG& tag) {
  if (ledger->arguments.chain_by_count > 0 && open->ledger_lock != ExclusiveLock) {
    const LOCKMODE mode = open->chains.size() >= kMaxChainLocks ? ExclusiveLock : ShareLock;
    if (open->ledger_lock != mode) {
      AcquireChainLock(LedgerLockTag(ledger->root), mode);
      open->ledger_lock = mode;
    }
  }
  if (open->ledger_lock != ExclusiveLock) AcquireChainLock(tag, ExclusiveLock);
}

void SettleAll() {
  Enter([]() -> Result<void> {
    for (auto& [ledger_key, ledger] : Current().ledgers) {
      for (auto& [key, chain] : ledger.chains) {
        if (auto settled = chain->tail.Settle(); !settled.ok()) return settled;
      }
    }
    return {};
  });
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

bool HoldsChains() {
  for (auto& [ledger_key, ledger] : Current().ledgers) {
    if (!ledger.chains.empty()) return true;
  }
  return false;
}

void BeforeCommit() {
  SettleAll();
  if (!HoldsChains() || !MayReleaseEarly()) return;
  Current().synchronous_commit = synchronous_commit;
  synchronous_commit = SYNCHRONOUS_COMMIT_OFF;
}

void ForgetHeads() noexcept {
  for (auto& [ledger_key, ledger] : Current().ledgers) {
    if (ledger.forget_heads) DropCachedHeads(MyDatabaseId, ledger_key.table);
    for (auto& [key, chain] : ledger.chains) DropCachedHead(chain->identity);
  }
}

void Clear() noexcept {
  if (Current().synchronous_commit >= 0) synchronous_commit = Current().synchronous_commit;
  Current().synchronous_commit = -1;
  Current().ledgers.clear();
}

// Rows that brought their own hashes are not in the heads known here: then the table is asked next time.
void PublishAndRelease(const LedgerKey& key, OpenLedger* ledger) noexcept {
  if (ledger->forget_heads) DropCachedHeads(MyDatabaseId, key.table);
  for (auto& [chain_key, chain] : ledger->chains) {
    if (!ledger->forget_heads) CacheHead(chain->identity, chain->tail.head());
    if (ledger->ledger_lock != ExclusiveLock) ReleaseChainLock(chain->tag, ExclusiveLock);
  }
  if (ledger->ledger_lock == ShareLock) ReleaseChainLock(LedgerLockTag(key.table), ShareLock);
}

// An error here would be a PANIC: the transaction is committed. Nothing below allocates or raises.
void AfterCommit() noexcept {
  const bool released_early = Current().synchronous_commit >= 0;
  for (auto& [ledger_key, ledger] : Current().ledgers) {
    PublishAndRelease(ledger_key, &ledger);
  }
  Clear();
  if (!released_early) return;
  // From here it is an ordinary commit again, but for the lock that is already another's. A successor's
  // commit record stands behind ours in the log, so no crash can keep it and lose us.
  XLogFlush(XactLastCommitEnd);
  SyncRepWaitForLSN(XactLastCommitEnd, true);
}

void OnTransactionEvent(XactEvent event, void*) {
  if (Current().ledgers.empty()) return;
  switch (event) {
    case XACT_EVENT_PRE_COMMIT:
      BeforeCommit();
      break;
    case XACT_EVENT_COMMIT:
      AfterCommit();
      break;
    case XACT_EVENT_PRE_PREPARE:
      SettleAll();
      ForgetHeads();
      break;
    case XACT_EVENT_PREPARE:
    case XACT_EVENT_ABORT:
      ForgetHeads();
      Clear();
      break;
    default:
      break;  // parallel workers append nothing
  }
}

void OnSubtransactionEvent(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
  if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB) return;
  const uint32_t nest = Nest();
  for (auto& [ledger_key, ledger] : Current().ledgers) {
    for (auto& [key, chain] : ledger.chains) {
      if (event == SUBXACT_EVENT_COMMIT_SUB) {
        chain->tail.CommitSubtransaction(nest);
      } else {
        chain->tail.AbortSubtransaction(nest);
      }
    }
    // Statements that an error cut off never ended.
    while (!ledger.statements.empty() && ledger.statements.back() >= nest)
      ledger.statements.pop_back();
  }
}

}  // namespace

void WatchTransactions() {
  RegisterXactCallback(OnTransactionEvent, nullptr);
  RegisterSubXactCallback(OnSubtransactionEvent, nullptr);
}

OpenChain* OpenChainOf(const LedgerRelation* ledger, const RowChain& chain) {
  OpenLedger* open = nullptr;
  OpenChain* found = nullptr;
  Enter([&]() -> Result<void> {
    open = &Current().ledgers[KeyOf(ledger)];
    found = FindChain(open, chain.key);
    return {};
  });
  if (found != nullptr) return found;

  const ChainIdentity identity = Identify(ledger, chain);
  const LOCKTAG tag = ChainLockTag(
      ledger->root, hash_bytes(reinterpret_cast<const unsigned char*>(&identity.chain_key),
                               sizeof identity.chain_key));
  LockChain(open, ledger, tag);
  ChainHead head;
  if (open->forget_heads || !FindCachedHead(identity, &head))
    head = ScanHead(ledger->root, chain.values, SnapshotSelf);
  return Enter([&]() -> Result<OpenChain*> {
    auto made = std::make_unique<OpenChain>(identity, tag, head);
    return open->chains.emplace(std::string(AsText(chain.key)), std::move(made))
        .first->second.get();
  });
}

ChainHead HeadOf(const OpenChain* chain) { return chain->tail.head(); }

void DrawRow(OpenChain* chain, const LeafHash& hash) {
  Enter([&]() -> Result<void> {
    OpenLedger* const ledger = FindLedger({chain->identity.ledger, chain->identity.ledger_id});
    if (!chain->drawn) ledger->drawn.push_back(chain);
    chain->drawn = true;
    chain->tail.Draw(static_cast<uint32_t>(ledger->statements.size()), Nest(), hash);
    return {};
  });
}

Confirmation ConfirmRow(const LedgerRelation* ledger, const RowChain& chain, const ChainHead& row,
                        const LeafHash& prev_hash) {
  return Enter([&]() -> Result<Confirmation> {
    OpenLedger* const open = FindLedger(KeyOf(ledger));
    OpenChain* const found = open != nullptr ? FindChain(open, chain.key) : nullptr;
    if (found == nullptr || !found->tail.Drew(row.seq)) return Confirmation::kNotDrawn;
    const auto as_drawn = found->tail.Confirm(row, prev_hash);
    if (!as_drawn.ok()) return as_drawn.error();
    return as_drawn.value() ? Confirmation::kAsDrawn : Confirmation::kChanged;
  });
}

void OpenStatement(const LedgerRelation* ledger) {
  Enter([&]() -> Result<void> {
    Current().ledgers[KeyOf(ledger)].statements.push_back(Nest());
    return {};
  });
}

void CloseStatement(const LedgerRelation* ledger) {
  Enter([&]() -> Result<void> {
    OpenLedger* const open = FindLedger(KeyOf(ledger));
    if (open == nullptr || open->statements.empty()) return {};
    const auto depth = static_cast<uint32_t>(open->statements.size());
    for (OpenChain* const chain : open->drawn) {
      if (auto ended = chain->tail.EndStatement(depth); !ended.ok()) return ended;
      chain->drawn = depth > 1;
    }
    if (depth == 1) open->drawn.clear();
    open->statements.pop_back();
    return {};
  });
}

void ForgetHeadsAtCommit(const LedgerRelation* ledger) {
  Enter([&]() -> Result<void> {
    Current().ledgers[KeyOf(ledger)].forget_heads = true;
    return {};
  });
}

}  // namespace bulla
