#include "pg/transaction_chains.h"

#include <algorithm>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

extern "C" {
#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"
}

#include "pg/boundary.h"
#include "pg/busy_hint.h"
#include "pg/chain_lock.h"
#include "pg/head_cache.h"

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

// A chain to be opened, and what of its lock's tag differs between chains of a ledger.
struct PlannedChain {
  uint32 lock;
  const RowChain* chain;
};

LedgerKey KeyOf(const LedgerRelation* ledger) { return {ledger->root, ledger->arguments.id}; }

using OpenLedgers = std::unordered_map<LedgerKey, OpenLedger, HashLedgerKey>;

// Never destroyed: static destructors would run after the backend's own cleanup.
OpenLedgers& Ledgers() {
  static OpenLedgers* const ledgers = new OpenLedgers;
  return *ledgers;
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
  const auto found = Ledgers().find(ledger);
  return found == Ledgers().end() ? nullptr : &found->second;
}

LOCKTAG TagOf(const ChainIdentity& chain) {
  return ChainLockTag(
      chain.ledger,
      hash_bytes(reinterpret_cast<const unsigned char*>(&chain.chain_key), sizeof chain.chain_key));
}

void LockLedger(OpenLedger* open, Oid ledger, LOCKMODE mode) {
  if (open->ledger_lock == mode || open->ledger_lock == ExclusiveLock) return;
  AcquireChainLock(LedgerLockTag(ledger), mode);
  open->ledger_lock = mode;
}

// A chain is locked under its ledger's lock in share mode, so that a transaction with very many chains
// can lock them all at once. A ledger with one chain needs no more than that chain's lock.
void LockChain(OpenLedger* open, const LedgerRelation* ledger, const LOCKTAG& tag) {
  if (ledger->arguments.chain_by_count > 0) {
    const bool many = open->chains.size() >= kMaxChainLocks;
    LockLedger(open, ledger->root, many ? ExclusiveLock : ShareLock);
  }
  if (open->ledger_lock != ExclusiveLock) AcquireChainLock(tag, ExclusiveLock);
}

OpenLedger* OpenLedgerOf(const LedgerRelation* ledger) {
  return Enter([&]() -> Result<OpenLedger*> { return &Ledgers()[KeyOf(ledger)]; });
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

}  // namespace

OpenChain* OpenChainOf(const LedgerRelation* ledger, const RowChain& chain) {
  OpenLedger* const open = OpenLedgerOf(ledger);
  OpenChain* const found =
      Enter([&]() -> Result<OpenChain*> { return FindChain(open, chain.key); });
  if (found != nullptr) return found;

  const ChainIdentity identity = Identify(ledger, chain);
  const LOCKTAG tag = TagOf(identity);
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

void OpenChains(const LedgerRelation* ledger, std::span<const RowChain> chains) {
  OpenLedger* const open = OpenLedgerOf(ledger);
  if (ledger->arguments.chain_by_count > 0 && chains.size() + open->chains.size() > kMaxChainLocks)
    LockLedger(open, ledger->root, ExclusiveLock);
  auto* const order =
      static_cast<PlannedChain*>(palloc(sizeof(PlannedChain) * (chains.size() + 1)));
  for (size_t i = 0; i < chains.size(); ++i)
    order[i] = {TagOf(Identify(ledger, chains[i])).locktag_field3, &chains[i]};
  std::sort(order, order + chains.size(),
            [](const PlannedChain& a, const PlannedChain& b) { return a.lock < b.lock; });
  for (size_t i = 0; i < chains.size(); ++i) OpenChainOf(ledger, *order[i].chain);
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
    Ledgers()[KeyOf(ledger)].statements.push_back(Nest());
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
    Ledgers()[KeyOf(ledger)].forget_heads = true;
    return {};
  });
}

bool AnyChainOpen() noexcept {
  for (auto& [ledger_key, ledger] : Ledgers()) {
    if (!ledger.chains.empty()) return true;
  }
  return false;
}

void SettleChains() {
  Enter([]() -> Result<void> {
    for (auto& [ledger_key, ledger] : Ledgers()) {
      for (auto& [key, chain] : ledger.chains) {
        if (auto settled = chain->tail.Settle(); !settled.ok()) return settled;
      }
    }
    return {};
  });
}

void PublishAndReleaseChains() noexcept {
  for (auto& [ledger_key, ledger] : Ledgers()) PublishAndRelease(ledger_key, &ledger);
  Ledgers().clear();
}

void ForgetHeads() noexcept {
  for (auto& [ledger_key, ledger] : Ledgers()) {
    if (ledger.forget_heads) DropCachedHeads(MyDatabaseId, ledger_key.table);
    for (auto& [key, chain] : ledger.chains) DropCachedHead(chain->identity);
  }
}

void ForgetChains() noexcept {
  ForgetHeads();
  Ledgers().clear();
}

void EndSubtransaction(bool committed) noexcept {
  const uint32_t nest = Nest();
  for (auto& [ledger_key, ledger] : Ledgers()) {
    for (auto& [key, chain] : ledger.chains) {
      if (committed) {
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

}  // namespace bulla
