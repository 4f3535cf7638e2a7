#include "pg/emergency_attempts.h"

extern "C" {
#include "commands/sequence.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
}

#include "core/emergency_code.h"
#include "pg/event_log.h"
#include "pg/key_tables.h"
#include "pg/user_scope.h"

namespace bulla {
namespace {

Oid Attempts() { return KeyTable("emergency_attempts"); }

void WaitFor(int64 milliseconds) {
  const TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), milliseconds);
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    const long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end);
    if (left <= 0) return;
    // A clock that is set back makes nobody wait for longer.
    WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, Min(left, milliseconds),
              PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
  }
}

}  // namespace

int64 BeginAttempt() {
  const int64 attempt = nextval_internal(Attempts(), false);
  WaitFor(DelayOfAttempt(attempt));
  return attempt;
}

void ForgetAttempts() {
  const UserScope caller = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
  DirectFunctionCall2(setval_oid, ObjectIdGetDatum(Attempts()), Int64GetDatum(0));
  EndAs(caller);
}

}  // namespace bulla
