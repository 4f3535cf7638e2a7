// Witnesses and the checkpoints that they cosigned, as the tables bulla.witnesses and bulla.cosigned hold them.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "pg/log_rows.h"

namespace bulla {

struct CosignedRow {
  TreeSize size;
  const char* note;  // palloc'd
};

// Whether two notes, which are ones, are of one checkpoint: who signed it does not matter.
bool SameCheckpoint(const char* note, const char* other);

// The checkpoint of this size as it was cosigned; false where nobody has.
bool FindCosigned(const TreeRow& tree, TreeSize size, CosignedRow* row);

// The newest checkpoint of the tree, with its cosignatures.
const char* NewestNote(const TreeRow& tree);

// What who fetches a checkpoint gets: the newest that was cosigned in the last ten minutes, since a log can grow faster than
// witnesses cosign; where there is none the newest.
const char* NoteToServe(const TreeRow& tree);

// The newest one of at least this size that as many witnesses have cosigned.
bool FindNewestCosigned(const TreeRow& tree, TreeSize at_least, int witnesses, CosignedRow* row);

// The newest size that the witness has cosigned, as far as is known here; 0 for none.
TreeSize CosignedSize(const TreeRow& tree, const char* witness);

// One writer at a time, until the end of the transaction.
void LockCosigned();

// Adds or replaces it. `names` and `times` are arrays of text and of timestamps, of one length. Checkpoints that it
// makes superfluous go: those of which a newer one has every cosigner.
void StoreCosigned(const TreeRow& tree, const CosignedRow& row, Datum names, Datum times);

// The verifier keys of all witnesses, one on each line, palloc'd.
const char* WitnessKeys();

}  // namespace bulla
