// Taking a whole partition out of a ledger, with the first rows of each chain that has some in it.
#pragma once

extern "C" {
#include "postgres.h"
}

namespace bulla {

// Verifies the partition's rows and their links to what stays, records a boundary for each chain, detaches the
// partition and gives it triggers of its own. Returns how many rows it has. The caller owns both tables and has
// locked the ledger exclusively; connected to SPI. Raises where the rows of some chain are not its first ones
// or are all it has, where they do not verify, and where the table is no leaf partition of the ledger.
int64 DetachPartition(Oid ledger, Oid partition);

}  // namespace bulla
