// From a row of PostgreSQL to its canonical record.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "core/record.h"
#include "pg/ledger_relation.h"

namespace bulla {

// The chain of a row: its key, and the values to look it up by. Points into memory of the current
// context and of `values`.
struct RowChain {
  Bytes key;
  ChainValues values;
};
// False where a chain_by column is null or the key too long, which no row of a sound ledger is.
bool ChainOfRow(const LedgerRelation* ledger, const Datum* values, const bool* nulls,
                RowChain* chain);

// The same for a chain whose values are known.
bool ChainOfValues(const LedgerRelation* ledger, ChainValues values, RowChain* chain);

// Raises program_limit_exceeded for a row that cannot be part of the ledger.
[[noreturn]] void RaiseUnfitRow(Relation relation);

// The name of a chain as SQL knows it (core/chain_name.h), palloc'd.
char* NameOfChain(const LedgerRelation* ledger, ChainValues chain);

// Writes everything of the record that does not depend on the row's place; record->Finish follows.
// `values` and `nulls` are indexed by attribute. record->ok() tells whether it fits. Of erasable columns
// it has the commitments that the row's openings state; pg/row_openings.h compares them with the values.
void WriteColumns(const LedgerRelation* ledger, const RowChain& chain, const Datum* values,
                  const bool* nulls, RecordWriter* record);

// The values that lead to a chain of this name. Raises where the name is malformed.
ChainValues ChainOfName(const LedgerRelation* ledger, const char* name);
ChainValues ChainOfLedger(Oid ledger, const char* name);

// The hash that a row should have at this place of this chain. False where its record is too long, or its
// openings cannot be read.
bool HashRow(const LedgerRelation* ledger, const RowChain& chain, const Datum* values,
             const bool* nulls, int64 seq, const LeafHash& prev_hash, LeafHash* hash);

// SHA-256 of a chain key, zeros for the single chain of a ledger: a fixed size to tell chains by.
Sha256Digest DigestChainKey(const RowChain& chain);

// The hash of a finished record. Raises only where SHA-256 fails.
LeafHash HashOf(const RecordWriter& record);

// A hash as a bytea, palloc'd, and back; false where that is not 32 bytes.
Datum HashDatum(const LeafHash& hash);
bool ReadHash(Datum value, LeafHash* hash);

// This backend's record buffer and hash context. No PostgreSQL code that they are used around runs
// anybody else's code, so one of each is enough.
RecordWriter* BackendRecord();
Sha256* BackendHasher();
// One more, for a digest that is begun before the wait for a chain and finished after it.
Sha256* BackendDrawHasher();

}  // namespace bulla
