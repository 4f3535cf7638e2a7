// Which erasures bulla.events tells of: asked for each value that verification finds erased.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "core/record.h"

namespace bulla {

class RecordedErasures;

// For one ledger and one verification, owned by the current memory context. Nothing is read before the
// first question, which reads all of the ledger's; 16 bytes each are kept.
RecordedErasures* NewRecordedErasures(const LedgerId& ledger);

// Whether this value's erasure is recorded, as the active snapshot sees it. Reads as the extension's owner.
bool IsErasureRecorded(RecordedErasures* erasures, const char* chain, int64 seq,
                       const char* column);

}  // namespace bulla
