// Where else the values of a column stand, beside the rows of its table.
#pragma once

extern "C" {
#include "postgres.h"
}

namespace bulla {

// Raises object_not_in_prerequisite_state, naming one, where an index, a generated column or a materialised view
// holds values of the column, in the table or one of its partitions.
void RefuseHolders(Oid table, const char* column);

// Forgets what ANALYZE has collected of the column: common values, bounds of histograms. Needs no rights.
void DropColumnStatistics(Oid table, const char* column);

}  // namespace bulla
