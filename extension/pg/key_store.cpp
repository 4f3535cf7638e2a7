#include "pg/key_store.h"

#include <map>
#include <memory>
#include <string>

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/uuid.h"
}

#include "core/data_key.h"
#include "kms/key_file.h"
#include "pg/boundary.h"
#include "pg/settings.h"

namespace bulla {
namespace {

// Bounds what a backend keeps unwrapped; all are dropped when it is full.
constexpr size_t kMaxCached = 512;

struct KeyCache {
  std::map<VersionId, std::unique_ptr<EnvelopeCipher>> ciphers;
  std::map<std::string, VersionId, std::less<>> primaries;  // by key name
  uint64 generation = 0;                                    // counts invalidations
  Oid relation = InvalidOid;                                // bulla.key_versions

  void Clear() {
    ciphers.clear();
    primaries.clear();
  }
};

KeyCache& Cache() {
  static KeyCache* const cache =
      new KeyCache;  // never destroyed; ciphers wipe themselves when dropped
  return *cache;
}

// A row of bulla.key_versions with what bulla.key_names says of its key, palloc'd.
struct KeyRow {
  bool found;
  const char* name;
  const char* purpose;
  const char* algorithm;
  pg_uuid_t key_id;
  int32 version;
  const char* state;
  Bytes version_id;
  Bytes commitment;
  Bytes wrapped;
};

enum NamesColumn { kNamesKeyId = 1, kNamesName, kNamesPurpose, kNamesAlgorithm };
enum VersionsColumn {
  kVersionId = 1,
  kVersionsKeyId,
  kVersion,
  kState,
  kCommitment,
  kKekId,
  kWrapped
};

Oid TableOf(const char* name) {
  const Oid schema = get_namespace_oid("bulla", true);
  const Oid table = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
  if (!OidIsValid(table)) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("table bulla.%s does not exist", name),
                    errhint("Run CREATE EXTENSION bulla.")));
  }
  return table;
}

// Everything about keys is read with a snapshot of its own, taken now: what is committed counts, also
// inside a REPEATABLE READ transaction.
SysScanDesc BeginScan(Relation table, const char* index, AttrNumber column, RegProcedure equals,
                      Datum value) {
  ScanKeyData key;
  ScanKeyInit(&key, column, BTEqualStrategyNumber, equals, value);
  return systable_beginscan(table, TableOf(index), true, nullptr, 1, &key);
}

Datum Column(HeapTuple tuple, Relation table, int column, bool* null) {
  return heap_getattr(tuple, column, RelationGetDescr(table), null);
}

const char* TextColumn(HeapTuple tuple, Relation table, int column) {
  bool null;
  return text_to_cstring(DatumGetTextPP(Column(tuple, table, column, &null)));
}

Bytes BytesColumn(HeapTuple tuple, Relation table, int column) {
  bool null;
  const Datum value = Column(tuple, table, column, &null);
  if (null) return {};
  const bytea* const copy = DatumGetByteaPCopy(value);
  return {reinterpret_cast<const std::byte*>(VARDATA(copy)), VARSIZE(copy) - VARHDRSZ};
}

void ReadName(HeapTuple tuple, Relation table, KeyRow* row) {
  bool null;
  row->key_id = *DatumGetUUIDP(Column(tuple, table, kNamesKeyId, &null));
  row->name = TextColumn(tuple, table, kNamesName);
  row->purpose = TextColumn(tuple, table, kNamesPurpose);
  row->algorithm = TextColumn(tuple, table, kNamesAlgorithm);
}

void ReadVersion(HeapTuple tuple, Relation table, KeyRow* row) {
  bool null;
  row->found = true;
  row->key_id = *DatumGetUUIDP(Column(tuple, table, kVersionsKeyId, &null));
  row->version = DatumGetInt32(Column(tuple, table, kVersion, &null));
  row->state = TextColumn(tuple, table, kState);
  row->version_id = BytesColumn(tuple, table, kVersionId);
  row->commitment = BytesColumn(tuple, table, kCommitment);
  row->wrapped = BytesColumn(tuple, table, kWrapped);
}

bool ReadNameRow(const char* index, AttrNumber column, RegProcedure equals, Datum value,
                 KeyRow* row) {
  const Relation table = table_open(TableOf("key_names"), AccessShareLock);
  const SysScanDesc scan = BeginScan(table, index, column, equals, value);
  const HeapTuple tuple = systable_getnext(scan);
  if (HeapTupleIsValid(tuple)) ReadName(tuple, table, row);
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  return HeapTupleIsValid(tuple);
}

// The key's highest enabled version; found is false where the key has none.
KeyRow ReadPrimary(const char* name) {
  KeyRow row = {};
  if (!ReadNameRow("key_names_name_key", kNamesName, F_TEXTEQ, CStringGetTextDatum(name), &row)) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("key \"%s\" does not exist", name),
                    errhint("bulla.create_key makes one; bulla.keys lists them.")));
  }
  const Relation table = table_open(TableOf("key_versions"), AccessShareLock);
  const SysScanDesc scan = BeginScan(table, "key_versions_key_id_version_key", kVersionsKeyId,
                                     F_UUID_EQ, UUIDPGetDatum(&row.key_id));
  while (const HeapTuple tuple = systable_getnext(scan)) {
    bool null;
    const bool newer =
        !row.found || DatumGetInt32(Column(tuple, table, kVersion, &null)) > row.version;
    if (newer && strcmp(TextColumn(tuple, table, kState), "enabled") == 0)
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

KeyRow ReadVersionById(const VersionId& version) {
  KeyRow row = {};
  bytea* const id = static_cast<bytea*>(palloc(VARHDRSZ + version.bytes.size()));
  SET_VARSIZE(id, VARHDRSZ + version.bytes.size());
  memcpy(VARDATA(id), version.bytes.data(), version.bytes.size());
  const Relation table = table_open(TableOf("key_versions"), AccessShareLock);
  const SysScanDesc scan =
      BeginScan(table, "key_versions_pkey", kVersionId, F_BYTEAEQ, PointerGetDatum(id));
  const HeapTuple tuple = systable_getnext(scan);
  if (HeapTupleIsValid(tuple)) ReadVersion(tuple, table, &row);
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  if (!row.found ||
      !ReadNameRow("key_names_pkey", kNamesKeyId, F_UUID_EQ, UUIDPGetDatum(&row.key_id), &row)) {
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_OBJECT),
             errmsg("the key version that sealed this value is not in this database"),
             errhint("The value comes from another database, or its key was not restored.")));
  }
  if (strcmp(row.state, "enabled") != 0) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("version %d of key \"%s\" is %s", row.version, row.name, row.state)));
  }
  return row;
}

Result<std::unique_ptr<EnvelopeCipher>> Unwrap(const KeyRow& row) {
  const auto algorithm = ParseAlgorithm(row.algorithm);
  if (!algorithm.ok()) return algorithm.error();
  const auto purpose = ParsePurpose(row.purpose);
  if (!purpose.ok()) return purpose.error();
  KeyVersion version{{}, static_cast<uint32_t>(row.version), algorithm.value(), purpose.value()};
  std::memcpy(version.key.bytes.data(), row.key_id.data, UUID_LEN);
  Commitment commitment;
  if (row.commitment.size() != commitment.bytes.size()) {
    return Error{Code::kCorrupt, "a key version's commitment is not 32 bytes"};
  }
  std::memcpy(commitment.bytes.data(), row.commitment.data(), commitment.bytes.size());

  const auto kek = LoadKek();
  if (!kek.ok()) return kek.error();
  const auto data_key = UnwrapDataKey(kek.value(), version, commitment, row.wrapped);
  if (!data_key.ok()) return data_key.error();
  auto cipher =
      EnvelopeCipher::Create(version.algorithm, commitment.version_id(), data_key.value());
  if (!cipher.ok()) return cipher.error();
  return std::make_unique<EnvelopeCipher>(std::move(cipher).value());
}

// Unwraps a version and keeps it. `primary_of` names the key when it is asked for by name.
EnvelopeCipher* Load(const KeyRow& row, const char* primary_of) {
  return Enter([&]() -> Result<EnvelopeCipher*> {
    auto unwrapped = Unwrap(row);
    if (!unwrapped.ok()) {
      Error error = unwrapped.error();
      error.message = "key \"" + std::string(row.name) + "\": " + error.message;
      return error;
    }
    KeyCache& cache = Cache();
    if (cache.ciphers.size() >= kMaxCached) cache.Clear();
    const VersionId id = unwrapped.value()->version();
    EnvelopeCipher* const cipher = unwrapped.value().get();
    cache.ciphers.insert_or_assign(id, std::move(unwrapped).value());
    if (primary_of != nullptr) cache.primaries.insert_or_assign(primary_of, id);
    return cipher;
  });
}

EnvelopeCipher* FindCached(const VersionId& version) {
  const auto found = Cache().ciphers.find(version);
  return found == Cache().ciphers.end() ? nullptr : found->second.get();
}

// A load counts only if nothing about keys changed while it was under way. Else a version that was just
// disabled could be put into the cache after the message that should have emptied it.
template <class Read>
EnvelopeCipher* LoadCurrent(Read read, const char* primary_of) {
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    Cache().relation = TableOf("key_versions");
    const uint64 generation = Cache().generation;
    EnvelopeCipher* const cipher = Load(read(), primary_of);
    AcceptInvalidationMessages();
    if (Cache().generation == generation) return cipher;
  }
}

void ForgetKeys(Datum, Oid relation) {
  KeyCache& cache = Cache();
  if (OidIsValid(relation) && OidIsValid(cache.relation) && relation != cache.relation) return;
  ++cache.generation;
  cache.Clear();
}

}  // namespace

void WatchKeys() { CacheRegisterRelcacheCallback(ForgetKeys, Datum{0}); }

Result<Kek> LoadKek() {
  const auto path = ParseKekSetting(kek_setting);
  if (!path.ok()) return path.error();
  return LoadKeyFile(path.value(), DataDir);
}

EnvelopeCipher* PrimaryCipher(std::string_view key_name) {
  AcceptInvalidationMessages();
  const auto primary = Cache().primaries.find(key_name);
  if (primary != Cache().primaries.end()) {
    if (EnvelopeCipher* const cipher = FindCached(primary->second)) return cipher;
  }
  const char* const name = pnstrdup(key_name.data(), key_name.size());
  return LoadCurrent([&] { return ReadPrimary(name); }, name);
}

EnvelopeCipher* CipherOfVersion(const VersionId& version) {
  AcceptInvalidationMessages();
  if (EnvelopeCipher* const cipher = FindCached(version)) return cipher;
  return LoadCurrent([&] { return ReadVersionById(version); }, nullptr);
}

}  // namespace bulla
