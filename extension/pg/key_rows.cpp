#include "pg/key_rows.h"

extern "C" {
#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"
}

#include "pg/kek_rows.h"
#include "pg/key_tables.h"

namespace bulla {
namespace {

void ReadName(HeapTuple tuple, Relation table, KeyRow* row) {
  row->key_id = *DatumGetUUIDP(ColumnOf(tuple, table, kNamesKeyId));
  row->name = TextOf(tuple, table, kNamesName);
  row->purpose = TextOf(tuple, table, kNamesPurpose);
  row->algorithm = TextOf(tuple, table, kNamesAlgorithm);
}

void ReadVersion(HeapTuple tuple, Relation table, KeyRow* row) {
  row->found = true;
  row->key_id = *DatumGetUUIDP(ColumnOf(tuple, table, kVersionsKeyId));
  row->version = DatumGetInt32(ColumnOf(tuple, table, kVersion));
  row->state = TextOf(tuple, table, kState);
  row->version_id = BytesOf(tuple, table, kVersionId);
  row->commitment = BytesOf(tuple, table, kCommitment);
  row->wrapped = BytesOf(tuple, table, kWrapped);
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

}  // namespace

KeyRow ReadPrimary(const char* name) {
  KeyRow row = {};
  if (!ReadNameRow("key_names_name_key", kNamesName, F_TEXTEQ, CStringGetTextDatum(name), &row)) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("key \"%s\" does not exist", name),
                    errhint("bulla.create_key makes one; bulla.keys lists them.")));
  }
  const Relation table = table_open(KeyTable("key_versions"), AccessShareLock);
  const SysScanDesc scan = BeginKeyScan(table, "key_versions_key_id_version_key", kVersionsKeyId,
                                        F_UUID_EQ, UUIDPGetDatum(&row.key_id));
  while (const HeapTuple tuple = systable_getnext(scan)) {
    const bool newer = !row.found || DatumGetInt32(ColumnOf(tuple, table, kVersion)) > row.version;
    if (newer && strcmp(TextOf(tuple, table, kState), "enabled") == 0)
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
      BeginKeyScan(table, "key_versions_pkey", kVersionId, F_BYTEAEQ, BytesDatum(version.bytes));
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
  NoteKek(version.kek_id);
  const TimestampTz now = GetCurrentTimestamp();
  Datum kek = CStringGetTextDatum(version.kek_id);
  Datum values[kVersionsColumns];
  bool nulls[kVersionsColumns] = {};
  values[kVersionId - 1] = BytesDatum(version.commitment.version_id().bytes);
  values[kVersionsKeyId - 1] = KeyIdDatum(version.key);
  values[kVersion - 1] = Int32GetDatum(version.version);
  values[kState - 1] = CStringGetTextDatum("enabled");
  values[kCommitment - 1] = BytesDatum(version.commitment.bytes);
  values[kKekId - 1] = kek;
  values[kWrapped - 1] = BytesDatum(version.wrapped);
  values[kCreatedAt - 1] = TimestampTzGetDatum(now);
  values[kStateSince - 1] = TimestampTzGetDatum(now);
  values[kKeks - 1] = PointerGetDatum(construct_array(&kek, 1, TEXTOID, -1, false, TYPALIGN_INT));
  const Relation table = table_open(KeyTable("key_versions"), RowExclusiveLock);
  InsertKeyRow(table, values, nulls);
  table_close(table, NoLock);
}

}  // namespace bulla
