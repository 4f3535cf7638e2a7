#include "pg/column_progress.h"

#include "pg/boundary.h"

extern "C" {
#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
}

#include "pg/versions.h"

namespace bulla {
namespace {

// No command of PostgreSQL's has such a number, nor has a verification.
constexpr auto kCommand = static_cast<ProgressCommandType>(31'642);
enum Parameter { kStartedAt, kReencrypt, kBlocks, kBlocksDone, kRowsChanged };

int64 rows_changed = 0;

bool Reporting() { return MyBEEntry != nullptr && MyBEEntry->st_progress_command == kCommand; }

bool MaySee(const PgBackendStatus* session) {
  return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
         has_privs_of_role(GetUserId(), session->st_userid);
}

}  // namespace

void BeginColumnProgress(Oid table, bool reencrypt, int64 blocks) {
  if (MyBEEntry == nullptr) return;
  if (!Reporting()) {
    pgstat_progress_start_command(kCommand, table);
    if (!Reporting()) return;  // track_activities is off
    rows_changed = 0;
    pgstat_progress_update_param(kStartedAt, GetCurrentTimestamp());
  }
  pgstat_progress_update_param(kBlocksDone, 0);
  pgstat_progress_update_param(kReencrypt, reencrypt);
  pgstat_progress_update_param(kBlocks, blocks);
}

void TellColumnProgress(int64 rows, int64 blocks_before, BlockNumber block) {
  if (!Reporting()) return;
  rows_changed += rows;
  pgstat_progress_update_param(kRowsChanged, rows_changed);
  pgstat_progress_update_param(kBlocksDone, blocks_before + block);
}

void EndColumnProgress() {
  if (Reporting()) pgstat_progress_end_command();
}

BULLA_FUNCTION(bulla_running_column_changes);
Datum bulla_running_column_changes(PG_FUNCTION_ARGS) {
  ReturnSet(fcinfo);
  auto* const result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  const int sessions = pgstat_fetch_stat_numbackends();
  for (int i = 1; i <= sessions; ++i) {
    const LocalPgBackendStatus* const local = BackendStatusAt(i);
    if (local == nullptr) continue;
    const PgBackendStatus& session = local->backendStatus;
    if (session.st_procpid == 0 || session.st_progress_command != kCommand ||
        session.st_databaseid != MyDatabaseId)
      continue;
    const bool hidden = !MaySee(&session);
    const int64* const parameters = session.st_progress_param;
    Datum values[] = {
        Int32GetDatum(session.st_procpid),
        ObjectIdGetDatum(session.st_progress_command_target),
        CStringGetTextDatum(parameters[kReencrypt] != 0 ? "reencrypt" : "encrypt"),
        TimestampTzGetDatum(parameters[kStartedAt]),
        Int64GetDatum(parameters[kBlocksDone]),
        Int64GetDatum(parameters[kBlocks]),
        Int64GetDatum(parameters[kRowsChanged]),
    };
    bool nulls[] = {false, hidden, hidden, hidden, hidden, hidden, hidden};
    tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
  }
  return Datum{0};
}

}  // namespace bulla
