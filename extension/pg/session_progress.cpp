#include "pg/session_progress.h"

extern "C" {
#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/timestamp.h"
}

namespace bulla {
namespace {

bool MaySee(const PgBackendStatus& session) {
  return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
         has_privs_of_role(GetUserId(), session.st_userid);
}

}  // namespace

bool IsReporting(ProgressCommandType command) {
  return MyBEEntry != nullptr && MyBEEntry->st_progress_command == command;
}

bool BeginReporting(ProgressCommandType command, Oid table) {
  pgstat_progress_start_command(command, table);
  if (!IsReporting(command)) return false;
  pgstat_progress_update_param(kStartedAt, GetCurrentTimestamp());
  return true;
}

void EndReporting(ProgressCommandType command) {
  if (IsReporting(command)) pgstat_progress_end_command();
}

void ReturnProgress(FunctionCallInfo fcinfo, ProgressCommandType command,
                    void (*put)(const PgBackendStatus& session, bool hidden,
                                ReturnSetInfo* result)) {
  ReturnSet(fcinfo);
  const int sessions = pgstat_fetch_stat_numbackends();
  for (int i = 1; i <= sessions; ++i) {
    const LocalPgBackendStatus* const local = BackendStatusAt(i);
    if (local == nullptr) continue;
    const PgBackendStatus& session = local->backendStatus;
    if (session.st_procpid == 0 || session.st_progress_command != command ||
        session.st_databaseid != MyDatabaseId)
      continue;
    put(session, !MaySee(session), reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo));
  }
}

}  // namespace bulla
