// Making durable what was read. A row can be visible before its commit is flushed (early lock release) and
// before synchronous standbys have it; who tells of it outside the database must not be contradicted by a
// crash.
#pragma once

namespace bulla {

// Flushes the log up to now. Does nothing on a standby, whose rows came out of a flushed log.
void FlushWhatWasRead();

// The same, and waits for synchronous standbys as a commit with synchronous_commit = on does; raises
// query_canceled where that wait is broken off. synchronous_commit must be on.
void ConfirmWhatWasRead();

}  // namespace bulla
