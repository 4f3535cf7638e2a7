// The chains that the current transaction has locked and appends to, from the first draw to the end of
// the transaction: the path from a row to a commit that neither forks nor waits for another's flush.
//
//   draw      the chain's lock is taken, its head read, the row put behind it (core/chain_tail.h)
//   PRE_COMMIT  every drawn row was inserted; the commit itself is made asynchronous
//   COMMIT    the commit record is in the log: heads are published, locks released, and only then
//             the log is flushed and standbys waited for, as the session's synchronous_commit asked
//   ABORT     heads are forgotten; PostgreSQL releases the locks
//   PREPARE   heads are forgotten; the locks move into the prepared transaction
#pragma once

extern "C" {
#include "postgres.h"
}

#include "core/chain_tail.h"
#include "pg/ledger_relation.h"
#include "pg/row_record.h"
#include "pg/row_scan.h"

namespace bulla {

struct OpenChain;

// Registers the transaction callbacks; once per backend.
void WatchTransactions();

// The row's chain, locked by this transaction until it ends. Waits, and raises what waiting raises.
OpenChain* OpenChainOf(const LedgerRelation* ledger, const RowChain& chain);

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

}  // namespace bulla
