// Progress of Bulla's own commands, kept where PostgreSQL keeps that of its own, under numbers that none of its
// commands has, so that none of its views shows them. Other sessions see it while it lasts, without shared memory of
// ours; an error ends it.
#pragma once

extern "C" {
#include "postgres.h"
#include "fmgr.h"
#include "funcapi.h"
}

#include "pg/versions.h"

namespace bulla {

inline constexpr auto kVerificationProgress = static_cast<ProgressCommandType>(31'641);
inline constexpr auto kColumnProgress = static_cast<ProgressCommandType>(31'642);

// The first parameter of all of them: when it began.
inline constexpr int kStartedAt = 0;

// Whether this session tells of such a command.
bool IsReporting(ProgressCommandType command);

// Begins to, and notes when; false where track_activities is off.
bool BeginReporting(ProgressCommandType command, Oid table);
void EndReporting(ProgressCommandType command);

// Returns a row for each session of this database that tells of such a command. `put` makes it; who may not see what
// other sessions do is shown no more than their process and table.
void ReturnProgress(FunctionCallInfo fcinfo, ProgressCommandType command,
                    void (*put)(const PgBackendStatus& session, bool hidden,
                                ReturnSetInfo* result));

}  // namespace bulla
