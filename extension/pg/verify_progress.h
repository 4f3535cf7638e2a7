// How far verifications are, for the view bulla.verify_progress (pg/session_progress.h). Where another command's progress
// is being reported (verification called inside an index expression, say) nothing is.
#pragma once

#include "pg/verify_rows.h"

namespace bulla {

// From now on `check` tells how many rows it has judged, of about `estimated` (-1: unknown).
void BeginProgress(RowCheck* check, Oid ledger, int64 estimated);
void EndProgress();

}  // namespace bulla
