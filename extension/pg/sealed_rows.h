// Looks whether rows of ledgers hold values sealed under given key versions. They could never be sealed
// anew, as their hashes cover what is sealed.
#pragma once

extern "C" {
#include "postgres.h"
#include "nodes/pg_list.h"
}

namespace bulla {

// Raises dependent_objects_still_exist where a row of a ledger, as of now, holds a value sealed under one of
// these versions (const KeyRow*), naming both. Reads every ledger of the database, until it finds one.
void RefuseSealedRows(List* versions);

}  // namespace bulla
