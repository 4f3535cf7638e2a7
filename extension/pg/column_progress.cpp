#include "pg/column_progress.h"

#include "pg/boundary.h"
#include "pg/session_progress.h"

extern "C" {
#include "utils/builtins.h"
#include "utils/timestamp.h"
}

namespace bulla {
namespace {

enum Parameter { kReencrypt = kStartedAt + 1, kBlocks, kBlocksDone, kRowsChanged };

int64 rows_changed = 0;

void PutColumnChange(const PgBackendStatus& session, bool hidden, ReturnSetInfo* result) {
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

}  // namespace

void BeginColumnProgress(Oid table, bool reencrypt, int64 blocks) {
  if (MyBEEntry == nullptr) return;
  if (!IsReporting(kColumnProgress)) {
    if (!BeginReporting(kColumnProgress, table)) return;
    rows_changed = 0;
  }
  pgstat_progress_update_param(kBlocksDone, 0);
  pgstat_progress_update_param(kReencrypt, reencrypt);
  pgstat_progress_update_param(kBlocks, blocks);
}

void TellColumnProgress(int64 rows, int64 blocks_before, BlockNumber block) {
  if (!IsReporting(kColumnProgress)) return;
  rows_changed += rows;
  pgstat_progress_update_param(kRowsChanged, rows_changed);
  pgstat_progress_update_param(kBlocksDone, blocks_before + block);
}

void EndColumnProgress() { EndReporting(kColumnProgress); }

BULLA_FUNCTION(bulla_running_column_changes);
Datum bulla_running_column_changes(PG_FUNCTION_ARGS) {
  ReturnProgress(fcinfo, kColumnProgress, PutColumnChange);
  return Datum{0};
}

}  // namespace bulla
