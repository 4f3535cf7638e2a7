#include "pg/key_rows.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
}

namespace bulla {
namespace {

enum NamesColumn { kNamesKeyId = 1, kNamesName, kNamesPurpose, kNamesAlgorithm };
enum VersionsColumn {
  kVersionId = 1,
  kVersionsKeyId,
  kVersion,
  kState,
  kCommitment,
  kKekId,
  kWrapped,
  kCreatedAt,
  kVersionsColumns = kCreatedAt
};

// Everything about keys is read with a snapshot of its own, taken now: what is committed counts, also
// inside a REPEATABLE READ transaction.
SysScanDesc BeginScan(Relation table, const char* index, AttrNumber column, RegProcedure equals,
                      Datum value) {
  ScanKeyData key;
  ScanKeyInit(&key, column, BTEqualStrategyNumber, equals, value);
  return systable_beginscan(table, KeyTable(index), true, nullptr, 1, &key);
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
  const Relation table = table_open(KeyTable("key_names"), AccessShareLock);
  const SysScanDesc scan = BeginScan(table, index, column, equals, value);
  const HeapTuple tuple = systable_getnext(scan);
  if (HeapTupleIsValid(tuple)) ReadName(tuple, table, row);
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  return HeapTupleIsValid(tuple);
}

Datum BytesDatum(Bytes bytes) {
  auto* const copy = static_cast<bytea*>(palloc(VARHDRSZ + bytes.size()));
  SET_VARSIZE(copy, VARHDRSZ + bytes.size());
  memcpy(VARDATA(copy), bytes.data(), bytes.size());
  return PointerGetDatum(copy);
}

}  // namespace

Oid KeyTable(const char* name) {
  const Oid schema = get_namespace_oid("bulla", true);
  const Oid table = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
  if (!OidIsValid(table)) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("table bulla.%s does not exist", name),
                    errhint("Run CREATE EXTENSION bulla.")));
  }
  return table;
}

KeyRow ReadPrimary(const char* name) {
  KeyRow row = {};
  if (!ReadNameRow("key_names_name_key", kNamesName, F_TEXTEQ, CStringGetTextDatum(name), &row)) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("key \"%s\" does not exist", name),
                    errhint("bulla.create_key makes one; bulla.keys lists them.")));
  }
  const Relation table = table_open(KeyTable("key_versions"), AccessShareLock);
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
  const Relation table = table_open(KeyTable("key_versions"), AccessShareLock);
  const SysScanDesc scan =
      BeginScan(table, "key_versions_pkey", kVersionId, F_BYTEAEQ, BytesDatum(version.bytes));
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

void InsertVersion(const NewVersion& version) {
  pg_uuid_t key;
  memcpy(key.data, version.key.bytes.data(), UUID_LEN);
  Datum values[kVersionsColumns];
  bool nulls[kVersionsColumns] = {};
  values[kVersionId - 1] = BytesDatum(version.commitment.version_id().bytes);
  values[kVersionsKeyId - 1] = UUIDPGetDatum(&key);
  values[kVersion - 1] = Int32GetDatum(version.version);
  values[kState - 1] = CStringGetTextDatum("enabled");
  values[kCommitment - 1] = BytesDatum(version.commitment.bytes);
  values[kKekId - 1] = CStringGetTextDatum(version.kek_id);
  values[kWrapped - 1] = BytesDatum(version.wrapped);
  values[kCreatedAt - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
  const Relation table = table_open(KeyTable("key_versions"), RowExclusiveLock);
  CatalogTupleInsert(table, heap_form_tuple(RelationGetDescr(table), values, nulls));
  CacheInvalidateRelcache(table);  // as the table's own trigger does
  table_close(table, NoLock);
  CommandCounterIncrement();
}

}  // namespace bulla
