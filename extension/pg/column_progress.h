// How far bulla.encrypt_column and bulla.reencrypt_column are: what bulla.column_progress shows (pg/session_progress.h).
#pragma once

extern "C" {
#include "postgres.h"
#include "storage/block.h"
}

namespace bulla {

// Begins, or goes through the table again. The progress outlasts the commits between batches, and ends with an error.
void BeginColumnProgress(Oid table, bool reencrypt, int64 blocks);
// A batch of one table is done: rows changed in it, and the blocks that are behind it there.
void TellColumnProgress(int64 rows, int64 blocks_before, BlockNumber block);
void EndColumnProgress();

}  // namespace bulla
