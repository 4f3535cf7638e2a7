#include "pg/verify_progress.h"

#include "pg/boundary.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/timestamp.h"
}

#include "pg/versions.h"

namespace bulla {
namespace {

// No command of PostgreSQL's has such a number, so none of its views shows us.
constexpr auto kCommand = static_cast<ProgressCommandType>(31'641);
enum Parameter { kStartedAt, kEstimated, kDone };

int64 done = 0;

bool Reporting() { return MyBEEntry != nullptr && MyBEEntry->st_progress_command == kCommand; }

void Tell(RowCheck*, int64 rows) {
  if (!Reporting()) return;
  done += rows;
  pgstat_progress_update_param(kDone, done);
}

bool MaySee(const PgBackendStatus* session) {
  return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
         has_privs_of_role(GetUserId(), session->st_userid);
}

}  // namespace

void BeginProgress(RowCheck* check, Oid ledger, int64 estimated) {
  if (MyBEEntry == nullptr || MyBEEntry->st_progress_command != PROGRESS_COMMAND_INVALID) return;
  pgstat_progress_start_command(kCommand, ledger);
  if (!Reporting()) return;  // track_activities is off
  done = 0;
  pgstat_progress_update_param(kStartedAt, GetCurrentTimestamp());
  pgstat_progress_update_param(kEstimated, estimated);
  check->tick = Tell;
}

void EndProgress() {
  if (Reporting()) pgstat_progress_end_command();
}

BULLA_FUNCTION(bulla_running_verifications);
Datum bulla_running_verifications(PG_FUNCTION_ARGS) {
  ReturnSet(fcinfo);
  auto* const result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  const int sessions = pgstat_fetch_stat_numbackends();
  for (int i = 1; i <= sessions; ++i) {
    const LocalPgBackendStatus* const local = BackendStatusAt(i);
    if (local == nullptr) continue;
    const PgBackendStatus& session = local->backendStatus;
    if (session.st_procpid == 0 || session.st_progress_command != kCommand ||
        session.st_databaseid != MyDatabaseId) {
      continue;
    }
    const bool hidden = !MaySee(&session);
    const int64 estimated = session.st_progress_param[kEstimated];
    Datum values[] = {
        Int32GetDatum(session.st_procpid),
        ObjectIdGetDatum(session.st_progress_command_target),
        TimestampTzGetDatum(session.st_progress_param[kStartedAt]),
        Int64GetDatum(session.st_progress_param[kDone]),
        Int64GetDatum(estimated),
    };
    bool nulls[] = {false, hidden, hidden, hidden, hidden || estimated < 0};
    tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
  }
  return Datum{0};
}

}  // namespace bulla
