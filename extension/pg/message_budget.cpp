#include "pg/message_budget.h"

#include "pg/boundary.h"

#include <algorithm>
#include <map>

extern "C" {
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "commands/sequence.h"
#include "executor/spi.h"
#include "storage/lmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
}

#include "core/aes_gcm.h"
#include "core/hex.h"
#include "pg/key_changes.h"
#include "pg/key_rows.h"
#include "pg/own_ledger.h"
#include "pg/run_command.h"
#include "pg/user_scope.h"

namespace bulla {
namespace {

constexpr auto kLimit = static_cast<int64>(AesGcm::kMessageLimit);
// A backend begins with a small block, so that many short connections do not use the messages up, and doubles it
// each time, so that reserving, with its flush, is rare.
constexpr int64 kFirstBlock = 32;
constexpr int64 kLargestBlock = 65'536;

struct Block {
  int64 left = 0;
  int64 next = kFirstBlock;
};

// Outlives the cache of keys: whoever changes keys does not use messages up. A few dozen bytes a version.
using Blocks = std::map<VersionId, Block>;
Blocks& ReservedBlocks() {
  static Blocks* const blocks = new Blocks;
  return *blocks;
}

const char* CountName(const VersionId& version) {
  char digits[2 * sizeof version.bytes + 1] = {};
  EncodeHex(version.bytes, digits);
  return psprintf("messages_%s", digits);
}

Oid CountOf(const VersionId& version) {
  return get_relname_relid(CountName(version), get_namespace_oid("bulla", false));
}

// As the extension's owner.
int64 ReadCount(Oid count) {
  LOCAL_FCINFO(call, 1);
  InitFunctionCallInfoData(*call, nullptr, 1, InvalidOid, nullptr, nullptr);
  call->args[0] = {ObjectIdGetDatum(count), false};
  const Datum last = pg_sequence_last_value(call);
  return call->isnull ? 0 : DatumGetInt64(last);
}

// One at a time over all backends: what is read is raised.
int64 RaiseCount(Oid count, int64 wanted) {
  LockRelationOid(count, ShareUpdateExclusiveLock);
  const UserScope caller = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
  const int64 sealed = ReadCount(count);
  const int64 granted = std::min(wanted, kLimit - sealed);
  if (granted > 0) {
    DirectFunctionCall2(setval_oid, ObjectIdGetDatum(count), Int64GetDatum(sealed + granted));
    XLogFlush(XactLastRecEnd);
  }
  EndAs(caller);
  UnlockRelationOid(count, ShareUpdateExclusiveLock);
  return granted;
}

void RefuseReadOnly(const char* key) {
  if (!XactReadOnly && !RecoveryInProgress()) return;
  ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
                  errmsg("cannot seal under key \"%s\" in a read-only transaction", key),
                  errdetail("The messages of an AES-256-GCM key are counted in the database."),
                  errhint("A key of XAES-256-GCM can seal here.")));
}

[[noreturn]] void RaiseUsedUp(const char* key) {
  ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                  errmsg("key \"%s\" has sealed " INT64_FORMAT
                         " messages, all that its version of AES-256-GCM may",
                         key, kLimit),
                  errhint("Give it a new version: SELECT bulla.rotate_key('…'). A key of "
                          "XAES-256-GCM has no such limit.")));
}

}  // namespace

void MakeMessageCount(const VersionId& version) {
  const UserScope caller = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
  const char* const name = CountName(version);
  SPI_connect();
  RunCommand(
      psprintf("CREATE SEQUENCE bulla.%s MINVALUE 0 START 0 MAXVALUE " INT64_FORMAT, name, kLimit));
  RunCommand(
      psprintf("COMMENT ON SEQUENCE bulla.%s IS 'How many messages a version of an "
               "AES-256-GCM key has sealed.'",
               name));
  SPI_finish();
  EndAs(caller);
}

bool TakeMessage(const VersionId& version) noexcept {
  const auto found = ReservedBlocks().find(version);
  if (found == ReservedBlocks().end() || found->second.left == 0) return false;
  --found->second.left;
  return true;
}

void ReserveMessages(const VersionId& version, const char* key) {
  const VersionId id = version;  // the caller's may be gone with the cache
  RefuseReadOnly(key);
  const Oid count = CountOf(id);
  if (!OidIsValid(count)) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("the count of messages of key \"%s\" is missing", key),
                    errdetail("Sequence bulla.%s is not there: how many messages this version of "
                              "AES-256-GCM has sealed is not known.",
                              CountName(id)),
                    errhint("Give the key a new version: SELECT bulla.rotate_key('…').")));
  }
  const int64 wanted = Enter([&]() -> Result<int64> { return ReservedBlocks()[id].next; });
  const int64 granted = RaiseCount(count, wanted);
  if (granted <= 0) RaiseUsedUp(key);
  Block& block = ReservedBlocks().find(id)->second;
  block.left = granted;
  block.next = std::min(2 * wanted, kLargestBlock);
}

int64 MessageCount(const VersionId& version) {
  const Oid count = CountOf(version);
  if (!OidIsValid(count)) return -1;
  const UserScope caller = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
  const int64 sealed = ReadCount(count);
  EndAs(caller);
  return sealed;
}

List* RequireNewVersions() {
  List* names = NIL;
  ListCell* cell;
  foreach (cell, KeysOfAlgorithm(Name(Algorithm::kAes256Gcm))) {
    KeyRow key;
    if (!LockKeyById(*static_cast<const pg_uuid_t*>(lfirst(cell)), &key)) continue;
    const KeyRow* primary = nullptr;
    ListCell* of;
    foreach (of, ReadVersions(key)) {
      const auto* const version = static_cast<const KeyRow*>(lfirst(of));
      if (version->state == Name(KeyState::kDestroyed)) continue;
      if (!version->must_rotate) RequireRotation(*version);
      if (IsEnabled(*version)) primary = version;
    }
    if (primary != nullptr) names = lappend(names, pstrdup(key.name));
  }
  return names;
}

}  // namespace bulla
