// SQL functions that name the log of this database and say which server signs its checkpoints.

#include "pg/boundary.h"

extern "C" {
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/uuid.h"
}

#include "core/origin.h"
#include "pg/arguments.h"
#include "pg/chain_lock.h"
#include "pg/checkpoint_signer.h"
#include "pg/event_log.h"
#include "pg/heads_ledger.h"
#include "pg/key_rotation.h"
#include "pg/log_rows.h"
#include "pg/make_key.h"

namespace bulla {

BULLA_FUNCTION(bulla_set_log_name);
Datum bulla_set_log_name(PG_FUNCTION_ARGS) {
  PreventCommandIfReadOnly("bulla.set_log_name()");
  const char* const name = CStringArgument(fcinfo, 0, "name");
  Enter([&] { return CheckLogName(name); });
  AcquireSetupLock();
  LogRow log;
  if (FindLog(&log)) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("the log of this database is \"%s\"", log.name),
                    errdetail("Checkpoints that left the database say so, for ever.")));
  }
  const pg_uuid_t* const key = MakeKey(kSigningKeyName, Purpose::kLog, Algorithm::kEd25519);
  InsertLog(name);
  RecordEvent(
      "log.named",
      EventDetail()
          .Text("log", name)
          .Text("key_id", DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(key))))
          .Object("place", DetailOfPlace(PlaceOfThisServer())));
  PG_RETURN_VOID();
}

BULLA_FUNCTION(bulla_rotate_signing_key);
Datum bulla_rotate_signing_key(PG_FUNCTION_ARGS) {
  PreventCommandIfReadOnly("bulla.rotate_signing_key()");
  const char* const reason = ReasonArgument(fcinfo, 0);
  AcquireSetupLock();
  const LogRow log = RequireLogToSign();
  const LogChain heads = HeadsChain();
  const char* const origin = OriginOf(heads, log.name, EpochOf(heads));
  const VersionId before = SigningVersion();
  const int32 version = AddVersion(LockKey(kSigningKeyName), nullptr);
  const char* const successor = VerifierKeyOf(origin);
  RecordEvent("log.signing_key_rotated",
              EventDetail()
                  .Text("log", log.name)
                  .Number("version", version)
                  .Text("reason", reason)
                  .Text("origin", origin)
                  .Text("verifier_key", successor)
                  .Text("note", SignSuccessor(before, origin, successor)));
  PG_RETURN_INT32(version);
}

BULLA_FUNCTION(bulla_take_over_log);
Datum bulla_take_over_log(PG_FUNCTION_ARGS) {
  PreventCommandIfReadOnly("bulla.take_over_log()");
  const char* const reason = ReasonArgument(fcinfo, 0);
  AcquireSetupLock();
  const LogRow log = RequireLog();
  const SigningPlace here = PlaceOfThisServer();
  if (log.place == here) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("this server signs the checkpoints of log \"%s\" already", log.name),
                    errhint("A restore to an older state that looks like the original is for "
                            "bulla.record_restore.")));
  }
  MoveLogHere();
  RecordEvent("log.taken_over", EventDetail()
                                    .Text("log", log.name)
                                    .Text("reason", reason)
                                    .Object("from", DetailOfPlace(log.place))
                                    .Object("to", DetailOfPlace(here)));
  PG_RETURN_VOID();
}

}  // namespace bulla
