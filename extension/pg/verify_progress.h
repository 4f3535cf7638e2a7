// How far verifications are, for the view bulla.verify_progress. Kept where PostgreSQL keeps the progress of
// its own commands, under a number that is none of theirs: visible to other sessions while it runs, without
// shared memory of our own, and gone with an error. Where another command's progress is being reported
// (verification called inside an index expression, say) nothing is.
#pragma once

#include "pg/verify_rows.h"

namespace bulla {

// From now on `check` tells how many rows it has judged, of about `estimated` (-1: unknown).
void BeginProgress(RowCheck* check, Oid ledger, int64 estimated);
void EndProgress();

}  // namespace bulla
