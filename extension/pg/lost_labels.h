// Values that cannot be printed any more, as somebody has deleted a label of their enum from pg_enum.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "pg/ledger_relation.h"

namespace bulla {

// Whether a type is an enum, or is made of one: a domain, an array, a range, a composite type.
bool HasEnums(Oid type);

// The first column of a ledger's row whose value is, or has in it, a label that is gone; nullptr where all are
// there.
const LedgerColumn* FindLostLabel(const LedgerRelation* ledger, const Datum* values,
                                  const bool* nulls);

}  // namespace bulla
