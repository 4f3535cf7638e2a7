// SQL functions that take versions of keys through their life. Each locks its key, so that one changes it at
// a time; what it changes counts at the next call in every backend once it commits, and is rolled back with
// its transaction.

#include "pg/boundary.h"

extern "C" {
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/uuid.h"
}

#include "core/key_state.h"
#include "pg/arguments.h"
#include "pg/emergency.h"
#include "pg/event_log.h"
#include "pg/key_changes.h"
#include "pg/key_rotation.h"
#include "pg/key_rows.h"
#include "pg/sealed_rows.h"
#include "pg/transaction_events.h"

namespace bulla {
namespace {

const char* KeyIdText(const KeyRow& key) {
  return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&key.key_id)));
}

EventDetail DetailOf(const KeyRow& key) {
  return EventDetail().Text("key", key.name).Text("key_id", KeyIdText(key));
}

EventDetail DetailOfVersion(const KeyRow& version) {
  return DetailOf(version)
      .Number("version", version.version)
      .Bytes("version_id", version.version_id.data(), version.version_id.size());
}

bool BooleanArgument(FunctionCallInfo fcinfo, int argument, const char* name) {
  RefuseNull(fcinfo, argument, name);
  return PG_GETARG_BOOL(argument);
}

// The version that the first two arguments name, its key locked.
const KeyRow* LockVersionArgument(FunctionCallInfo fcinfo) {
  const char* const name = CStringArgument(fcinfo, 0, "name");
  RefuseNull(fcinfo, 1, "version");
  return VersionNumbered(LockKey(name), PG_GETARG_INT32(1));
}

Datum ChangeAndRecord(FunctionCallInfo fcinfo, KeyChange change, const char* action) {
  const KeyRow* const version = LockVersionArgument(fcinfo);
  ChangeVersion(*version, change);
  RecordEvent(action, DetailOfVersion(*version));
  PG_RETURN_VOID();
}

List* NotDestroyed(List* versions) {
  List* left = NIL;
  ListCell* cell;
  foreach (cell, versions) {
    if (static_cast<const KeyRow*>(lfirst(cell))->state != Name(KeyState::kDestroyed))
      left = lappend(left, lfirst(cell));
  }
  return left;
}

// Under which copies of these key bytes may be found in backups.
List* KeksOf(List* versions) {
  List* keks = NIL;
  ListCell* version;
  foreach (version, versions) {
    ListCell* kek;
    foreach (kek, static_cast<const KeyRow*>(lfirst(version))->keks) {
      auto* const node = makeString(static_cast<char*>(lfirst(kek)));
      keks = list_append_unique(keks, node);
    }
  }
  List* names = NIL;
  ListCell* cell;
  foreach (cell, keks) names = lappend(names, strVal(lfirst(cell)));
  return names;
}

// What was told of as done must not be undone by a crash: whatever the session's synchronous_commit.
int64 RecordDestruction(const char* action, const EventDetail& detail) {
  CommitDurably();
  return RecordEventNow(action, detail);
}

}  // namespace

BULLA_FUNCTION(bulla_rotate_key);
Datum bulla_rotate_key(PG_FUNCTION_ARGS) {
  PreventCommandIfReadOnly("bulla.rotate_key()");
  RequireNotRestricted(Restriction::kNoNewKeys);
  RequireNotRestricted(Restriction::kReadOnly);
  const KeyRow key = LockKey(CStringArgument(fcinfo, 0, "name"));
  PG_RETURN_INT32(RotateKey(key, nullptr));
}

BULLA_FUNCTION(bulla_disable_key_version);
Datum bulla_disable_key_version(PG_FUNCTION_ARGS) {
  PreventCommandIfReadOnly("bulla.disable_key_version()");
  return ChangeAndRecord(fcinfo, KeyChange::kDisable, "key.version_disabled");
}

BULLA_FUNCTION(bulla_enable_key_version);
Datum bulla_enable_key_version(PG_FUNCTION_ARGS) {
  PreventCommandIfReadOnly("bulla.enable_key_version()");
  RequireNotRestricted(Restriction::kReadOnly);
  return ChangeAndRecord(fcinfo, KeyChange::kEnable, "key.version_enabled");
}

BULLA_FUNCTION(bulla_destroy_key_version);
Datum bulla_destroy_key_version(PG_FUNCTION_ARGS) {
  PreventCommandIfReadOnly("bulla.destroy_key_version()");
  RequireNotRestricted(Restriction::kReadOnly);
  const char* const reason = ReasonArgument(fcinfo, 2);
  const bool shred = BooleanArgument(fcinfo, 3, "shred");
  const KeyRow* const version = LockVersionArgument(fcinfo);
  List* const versions = list_make1(const_cast<KeyRow*>(version));
  if (!shred) RefuseSealedRows(NotDestroyed(versions));
  ChangeVersion(*version, KeyChange::kDestroy);
  PG_RETURN_INT64(RecordDestruction("key.version_destroyed", DetailOfVersion(*version)
                                                                 .Text("reason", reason)
                                                                 .Boolean("shred", shred)
                                                                 .Texts("keks", KeksOf(versions))));
}

BULLA_FUNCTION(bulla_destroy_key);
Datum bulla_destroy_key(PG_FUNCTION_ARGS) {
  PreventCommandIfReadOnly("bulla.destroy_key()");
  RequireNotRestricted(Restriction::kReadOnly);
  const char* const name = CStringArgument(fcinfo, 0, "name");
  const char* const reason = ReasonArgument(fcinfo, 1);
  const bool shred = BooleanArgument(fcinfo, 2, "shred");
  const KeyRow key = LockKey(name);
  List* const versions = NotDestroyed(ReadVersions(key));
  if (versions == NIL) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("key \"%s\" is destroyed already", name),
                    errhint("bulla.events says when and by whom.")));
  }
  if (!shred) RefuseSealedRows(versions);
  List* ids = NIL;
  ListCell* cell;
  foreach (cell, versions) {
    const auto* const version = static_cast<const KeyRow*>(lfirst(cell));
    ChangeVersion(*version, KeyChange::kDestroy);
    ids = lappend(ids, const_cast<char*>(HexText(version->version_id)));
  }
  PG_RETURN_INT64(RecordDestruction("key.destroyed", DetailOf(key)
                                                         .Text("reason", reason)
                                                         .Boolean("shred", shred)
                                                         .Texts("version_ids", ids)
                                                         .Texts("keks", KeksOf(versions))));
}

}  // namespace bulla
