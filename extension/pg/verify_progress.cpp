#include "pg/verify_progress.h"

#include "pg/boundary.h"
#include "pg/session_progress.h"

extern "C" {
#include "utils/timestamp.h"
}

namespace bulla {
namespace {

enum Parameter { kEstimated = kStartedAt + 1, kDone };

int64 done = 0;

void Tell(RowCheck*, int64 rows) {
  if (!IsReporting(kVerificationProgress)) return;
  done += rows;
  pgstat_progress_update_param(kDone, done);
}

void PutVerification(const PgBackendStatus& session, bool hidden, ReturnSetInfo* result) {
  const int64* const parameters = session.st_progress_param;
  Datum values[] = {
      Int32GetDatum(session.st_procpid),
      ObjectIdGetDatum(session.st_progress_command_target),
      TimestampTzGetDatum(parameters[kStartedAt]),
      Int64GetDatum(parameters[kDone]),
      Int64GetDatum(parameters[kEstimated]),
  };
  bool nulls[] = {false, hidden, hidden, hidden, hidden || parameters[kEstimated] < 0};
  tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

}  // namespace

void BeginProgress(RowCheck* check, Oid ledger, int64 estimated) {
  if (MyBEEntry == nullptr || MyBEEntry->st_progress_command != PROGRESS_COMMAND_INVALID) return;
  if (!BeginReporting(kVerificationProgress, ledger)) return;
  done = 0;
  pgstat_progress_update_param(kEstimated, estimated);
  check->tick = Tell;
}

void EndProgress() { EndReporting(kVerificationProgress); }

BULLA_FUNCTION(bulla_running_verifications);
Datum bulla_running_verifications(PG_FUNCTION_ARGS) {
  ReturnProgress(fcinfo, kVerificationProgress, PutVerification);
  return Datum{0};
}

}  // namespace bulla
