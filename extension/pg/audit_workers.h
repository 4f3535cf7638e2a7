// The background workers that make events of what waits in pg/audit_ring.h: a launcher, always there where the
// library is preloaded, and for each database where something waits a writer, which ends when it is written. A
// worker can be connected to one database only, and to none of those that it would keep from being dropped.
#pragma once

extern "C" {
#include "postgres.h"
}

namespace bulla {

// While the library is preloaded: has the postmaster start the launcher, once no recovery is under way.
void RegisterAuditLauncher();

// What a writer is called in pg_stat_activity, and the function that the postmaster looks up for it.
inline constexpr char kAuditWriter[] = "bulla event writer";
inline constexpr char kAuditWriterMain[] = "bulla_audit_writer";

}  // namespace bulla
