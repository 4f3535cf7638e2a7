// The chains that the current transaction has locked and appends to: from the first draw, when the
// chain's lock is taken, its head read and the row put behind it (core/chain_tail.h), to the end of the
// transaction. pg/transaction_events.h says what happens there.
#pragma once

extern "C" {
#include "postgres.h"
}

#include <span>

#include "core/chain_tail.h"
#include "pg/ledger_relation.h"
#include "pg/row_record.h"
#include "pg/row_scan.h"

namespace bulla {

struct OpenChain;

// With this many chains of one ledger open, the transaction locks the ledger instead of further chains:
// the server's lock table is finite.
inline constexpr size_t kMaxChainLocks = 64;

// The row's chain, locked by this transaction until it ends. Waits, and raises what waiting raises.
OpenChain* OpenChainOf(const LedgerRelation* ledger, const RowChain& chain);

// Opens chains that are known beforehand in an order that is the same in every backend, so that no two
// that do so wait for each other; where they are more than kMaxChainLocks, having locked the ledger.
void OpenChains(const LedgerRelation* ledger, std::span<const RowChain> chains);

// What the next row of the chain follows, and that a row with this hash now does.
ChainHead HeadOf(const OpenChain* chain);
void DrawRow(OpenChain* chain, const LeafHash& hash);

// The row was inserted. Raises where a row before it was skipped.
enum class Confirmation {
  kAsDrawn,
  kChanged,   // it is not the row that was drawn
  kNotDrawn,  // this transaction did not draw it, as with rows that bring their own hashes
};
Confirmation ConfirmRow(const LedgerRelation* ledger, const RowChain& chain, const ChainHead& row,
                        const LeafHash& prev_hash);

// An INSERT statement on the ledger begins and ends. At its end rows that it drew last and did not
// insert are taken back.
void OpenStatement(const LedgerRelation* ledger);
void CloseStatement(const LedgerRelation* ledger);

// Rows were written that brought their own hashes: the ledger's cached heads end with this transaction.
void ForgetHeadsAtCommit(const LedgerRelation* ledger);

// The rest is for the ends of transactions (pg/transaction_events.cpp).

bool AnyChainOpen() noexcept;

// Every drawn row was inserted, or this raises.
void SettleChains();

// Committed: the heads go into the cache, the locks to the next. Nothing here allocates or raises.
void PublishAndReleaseChains() noexcept;

// The outcome will not be known here: cached heads of open chains are dropped. The locks stay.
void ForgetHeads() noexcept;
// The same, and the chains are not open any more.
void ForgetChains() noexcept;

// Rows of the current subtransaction become its parent's, or are taken back.
void EndSubtransaction(bool committed) noexcept;

}  // namespace bulla
