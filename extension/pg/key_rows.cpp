#include "pg/key_rows.h"

extern "C" {
#include "access/genam.h"
#include "access/table.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
}

#include "core/key_state.h"
#include "pg/key_tables.h"
#include "pg/refusals.h"
#include "pg/uuid_ids.h"

namespace bulla {
namespace {

void ReadName(HeapTuple tuple, Relation table, KeyRow* row) {
  row->key_id = *DatumGetUUIDP(ColumnOf(tuple, table, kNamesKeyId));
  row->name = TextOf(tuple, table, kNamesName);
  row->purpose = TextOf(tuple, table, kNamesPurpose);
  row->algorithm = TextOf(tuple, table, kNamesAlgorithm);
  row->audited = DatumGetBool(ColumnOf(tuple, table, kNamesAudited));
}

void ReadVersion(HeapTuple tuple, Relation table, KeyRow* row) {
  row->found = true;
  row->key_id = *DatumGetUUIDP(ColumnOf(tuple, table, kVersionsKeyId));
  row->version = DatumGetInt32(ColumnOf(tuple, table, kVersion));
  row->state = TextOf(tuple, table, kState);
  row->version_id = BytesOf(tuple, table, kVersionId);
  row->commitment = BytesOf(tuple, table, kCommitment);
  row->kek_id = TextOf(tuple, table, kKekId);
  row->keks = TextsOf(tuple, table, kKeks);
  row->wrapped = BytesOf(tuple, table, kWrapped);
  row->must_rotate = DatumGetBool(ColumnOf(tuple, table, kMustRotate));
}

bool ReadNameRow(const char* index, AttrNumber column, RegProcedure equals, Datum value,
                 KeyRow* row) {
  const Relation table = table_open(KeyTable("key_names"), AccessShareLock);
  const SysScanDesc scan = BeginKeyScan(table, index, column, equals, value);
  const HeapTuple tuple = systable_getnext(scan);
  if (HeapTupleIsValid(tuple)) ReadName(tuple, table, row);
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  return HeapTupleIsValid(tuple);
}

bool LockNameRow(const char* index, AttrNumber column, RegProcedure equals, Datum value,
                 KeyRow* row) {
  const Relation table = table_open(KeyTable("key_names"), RowShareLock);
  const HeapTuple tuple = LockKeyRow(table, index, column, equals, value, LockTupleExclusive);
  if (tuple != nullptr) ReadName(tuple, table, row);
  table_close(table, NoLock);
  return tuple != nullptr;
}

[[noreturn]] void RaiseUnknownKey(const char* name) {
  ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("key \"%s\" does not exist", name),
                  errhint("bulla.create_key makes one; bulla.keys lists them.")));
}

}  // namespace

KeyId IdOfKey(const KeyRow& row) { return IdOfUuid<KeyId>(row.key_id); }

VersionId IdOfVersion(const KeyRow& row) {
  VersionId id;
  memcpy(id.bytes.data(), row.version_id.data(), Min(row.version_id.size(), id.bytes.size()));
  return id;
}

bool IsEnabled(const KeyRow& row) { return row.found && row.state == Name(KeyState::kEnabled); }

Result<KeyVersion> DescriptionOf(const KeyRow& row) {
  const auto purpose = ParseStoredPurpose(row.purpose);
  if (!purpose.ok()) return purpose.error();
  const auto algorithm = ParseAlgorithm(row.algorithm, purpose.value());
  if (!algorithm.ok()) return algorithm.error();
  return KeyVersion{IdOfKey(row), static_cast<uint32_t>(row.version), algorithm.value(),
                    purpose.value()};
}

Result<Commitment> CommitmentOf(const KeyRow& row) {
  Commitment commitment;
  if (row.commitment.size() != commitment.bytes.size())
    return Error{Code::kCorrupt, "a key version's commitment is not 32 bytes"};
  memcpy(commitment.bytes.data(), row.commitment.data(), row.commitment.size());
  return commitment;
}

KeyRow ReadPrimary(const char* name, Use use) {
  KeyRow row = {};
  if (!ReadNameRow("key_names_name_key", kNamesName, F_TEXTEQ, CStringGetTextDatum(name), &row)) {
    RaiseUnknownKey(name);
  }
  RequireUse(IdOfKey(row), row.name, use);
  const Relation table = table_open(KeyTable("key_versions"), AccessShareLock);
  const SysScanDesc scan = BeginKeyScan(table, "key_versions_key_id_version_key", kVersionsKeyId,
                                        F_UUID_EQ, UUIDPGetDatum(&row.key_id));
  while (const HeapTuple tuple = systable_getnext(scan)) {
    const bool newer = !row.found || DatumGetInt32(ColumnOf(tuple, table, kVersion)) > row.version;
    if (newer && TextOf(tuple, table, kState) == Name(KeyState::kEnabled))
      ReadVersion(tuple, table, &row);
  }
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  if (!row.found) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("key \"%s\" has no enabled version", name)));
  }
  return row;
}

KeyRow FindVersion(const VersionId& version) {
  KeyRow row = {};
  const Relation table = table_open(KeyTable("key_versions"), AccessShareLock);
  const SysScanDesc scan =
      BeginKeyScan(table, "key_versions_pkey", kVersionId, F_BYTEAEQ, BytesDatum(version.bytes));
  const HeapTuple tuple = systable_getnext(scan);
  if (HeapTupleIsValid(tuple)) ReadVersion(tuple, table, &row);
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  row.found = row.found && ReadNameRow("key_names_pkey", kNamesKeyId, F_UUID_EQ,
                                       UUIDPGetDatum(&row.key_id), &row);
  return row;
}

bool FindKey(const KeyId& id, KeyRow* key) {
  *key = {};
  return ReadNameRow("key_names_pkey", kNamesKeyId, F_UUID_EQ, IdDatum(id), key);
}

KeyRow ReadVersionById(const VersionId& version, Use use) {
  const KeyRow row = FindVersion(version);
  if (!row.found) {
    NoteRefusal(use, Act::kUnknownVersion, nullptr, &version);
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_OBJECT),
             errmsg("the key version that sealed this value is not in this database"),
             errhint("The value comes from another database, or its key was not restored.")));
  }
  RequireUse(IdOfKey(row), row.name, use);
  if (row.state != Name(KeyState::kEnabled)) {
    const bool destroyed = row.state == Name(KeyState::kDestroyed);
    NoteRefusal(use, destroyed ? Act::kDestroyed : Act::kDisabled, nullptr, &version);
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("version %d of key \"%s\" is %s", row.version, row.name, row.state)));
  }
  return row;
}

KeyRow LockKey(const char* name) {
  KeyRow row = {};
  if (!LockNameRow("key_names_name_key", kNamesName, F_TEXTEQ, CStringGetTextDatum(name), &row))
    RaiseUnknownKey(name);
  return row;
}

bool LockKeyById(const pg_uuid_t& key_id, KeyRow* key) {
  *key = {};
  return LockNameRow("key_names_pkey", kNamesKeyId, F_UUID_EQ, UUIDPGetDatum(&key_id), key);
}

List* KeysNotUnder(const char* kek_id) {
  List* keys = NIL;
  const Relation table = table_open(KeyTable("key_versions"), AccessShareLock);
  const SysScanDesc scan = systable_beginscan(table, InvalidOid, false, nullptr, 0, nullptr);
  while (const HeapTuple tuple = systable_getnext(scan)) {
    if (ColumnIsNull(tuple, table, kWrapped) || strcmp(TextOf(tuple, table, kKekId), kek_id) == 0)
      continue;
    auto* const key = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t)));
    *key = *DatumGetUUIDP(ColumnOf(tuple, table, kVersionsKeyId));
    keys = lappend(keys, key);
  }
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  return keys;
}

List* KeysOfAlgorithm(std::string_view algorithm) {
  List* keys = NIL;
  const Relation table = table_open(KeyTable("key_names"), AccessShareLock);
  const SysScanDesc scan = systable_beginscan(table, InvalidOid, false, nullptr, 0, nullptr);
  while (const HeapTuple tuple = systable_getnext(scan)) {
    if (TextOf(tuple, table, kNamesAlgorithm) != algorithm) continue;
    auto* const key = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t)));
    *key = *DatumGetUUIDP(ColumnOf(tuple, table, kNamesKeyId));
    keys = lappend(keys, key);
  }
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  return keys;
}

List* ReadVersions(const KeyRow& key) {
  List* versions = NIL;
  const Relation table = table_open(KeyTable("key_versions"), AccessShareLock);
  const SysScanDesc scan = BeginKeyScan(table, "key_versions_key_id_version_key", kVersionsKeyId,
                                        F_UUID_EQ, UUIDPGetDatum(&key.key_id));
  while (const HeapTuple tuple = systable_getnext(scan)) {
    auto* const version = static_cast<KeyRow*>(palloc(sizeof(KeyRow)));
    *version = key;
    ReadVersion(tuple, table, version);
    versions = lappend(versions, version);
  }
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  list_sort(versions, [](const ListCell* a, const ListCell* b) {
    return static_cast<const KeyRow*>(lfirst(a))->version -
           static_cast<const KeyRow*>(lfirst(b))->version;
  });
  return versions;
}

const KeyRow* VersionNumbered(const KeyRow& key, int32 version) {
  ListCell* cell;
  foreach (cell, ReadVersions(key)) {
    const auto* const row = static_cast<const KeyRow*>(lfirst(cell));
    if (row->version == version) return row;
  }
  ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                  errmsg("key \"%s\" has no version %d", key.name, version),
                  errhint("bulla.keys lists the versions.")));
}

}  // namespace bulla
