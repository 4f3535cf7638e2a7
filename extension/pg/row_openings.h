// The openings column of a ledger with erasable columns (core/openings.h): made for a new row, read back,
// and judged against the values that stand beside it.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "core/openings.h"
#include "pg/ledger_relation.h"

namespace bulla {

// Openings for the erasable values of a row that is about to be chained, with salts of their own; sets
// values and nulls of the openings column, NULL where no erasable value is there. For ledgers without
// erasable columns it does nothing.
void OpenValues(const LedgerRelation* ledger, Datum* values, bool* nulls);

// The bytes of a row's openings, empty where it has none. Detoasted in the current memory context.
Bytes OpeningsOf(const LedgerRelation* ledger, const Datum* values, const bool* nulls);

// What is wrong with a row's erasable values and their openings, nullptr for nothing: a value that is not
// the one committed to, that has no opening, or that is gone while its salt is not, or the other way
// round. `erased`, which may be null, is called for each value that was erased. That the row's hash is the
// one of its commitments is for HashRow to say.
const char* FaultOfOpenings(const LedgerRelation* ledger, const Datum* values, const bool* nulls,
                            void (*erased)(const char* column, void* state), void* state);

}  // namespace bulla
