// Values that are left as they came, unopened, and so not known to be where they belong: they are counted per
// transaction, and told of when it commits.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "pg/cell_relation.h"

namespace bulla {

enum class LeftBecause {
  kDestroyed,  // the version that sealed it is: an event in bulla.events
  kRestoring,  // bulla.restore is on: a WARNING, as a restore may bring the events itself
};

void CountLeft(const Cell* cell, LeftBecause because);

// Installs the callbacks; once per backend, after those that write queued events.
void WatchCellCounts();

}  // namespace bulla
