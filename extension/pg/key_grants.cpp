#include "pg/key_grants.h"

extern "C" {
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"
}

#include "pg/event_log.h"
#include "pg/key_tables.h"
#include "pg/uuid_ids.h"

namespace bulla {
namespace {

enum GrantsColumn {
  kGrantsKeyId = 1,
  kGrantee,
  kUse,
  kGrantedAt,
  kGrantedBy,
  kGrantsColumns = kGrantedBy
};

SysScanDesc BeginGrantsOf(Relation table, Oid grantee) {
  ScanKeyData key;
  ScanKeyInit(&key, kGrantee, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(grantee));
  return systable_beginscan(table, InvalidOid, false, nullptr, 1, &key);
}

bool AnyGrantOf(Oid grantee) {
  const Relation table = table_open(KeyTable("key_grants"), AccessShareLock);
  const SysScanDesc scan = BeginGrantsOf(table, grantee);
  const bool any = HeapTupleIsValid(systable_getnext(scan));
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  return any;
}

// The row of a grant, a copy; nullptr where there is none.
HeapTuple FindGrant(Relation table, const KeyId& key, Oid grantee, Use use) {
  const SysScanDesc scan =
      BeginKeyScan(table, "key_grants_pkey", kGrantsKeyId, F_UUID_EQ, IdDatum(key));
  HeapTuple found = nullptr;
  while (const HeapTuple row = found != nullptr ? nullptr : systable_getnext(scan)) {
    if (DatumGetObjectId(ColumnOf(row, table, kGrantee)) == grantee &&
        strcmp(TextOf(row, table, kUse), Name(use)) == 0)
      found = heap_copytuple(row);
  }
  systable_endscan(scan);
  return found;
}

Oid* OneRole(Oid role) {  // palloc'd, for who frees it
  auto* const roles = static_cast<Oid*>(palloc(sizeof(Oid)));
  *roles = role;
  return roles;
}

const char* NameOfKey(Datum key) {
  const Relation table = table_open(KeyTable("key_names"), AccessShareLock);
  const SysScanDesc scan = BeginKeyScan(table, "key_names_pkey", kNamesKeyId, F_UUID_EQ, key);
  const HeapTuple row = systable_getnext(scan);
  const char* const name = HeapTupleIsValid(row) ? TextOf(row, table, kNamesName) : "";
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  return name;
}

void RecordRevoked(HeapTuple row, Relation table, const char* role, const char* reason) {
  const Datum key = ColumnOf(row, table, kGrantsKeyId);
  RecordEvent("key.revoked",
              EventDetail()
                  .Text("key", NameOfKey(key))
                  .Text("key_id", DatumGetCString(DirectFunctionCall1(uuid_out, key)))
                  .Text("role", role)
                  .Text("use", TextOf(row, table, kUse))
                  .Text("reason", reason));
}

}  // namespace

bool AddGrant(const KeyId& key, Oid grantee, Use use) {
  const Relation table = table_open(KeyTable("key_grants"), RowExclusiveLock);
  const bool missing = FindGrant(table, key, grantee, use) == nullptr;
  if (missing) {
    Datum values[kGrantsColumns];
    bool nulls[kGrantsColumns] = {};
    NameData granted_by;
    namestrcpy(&granted_by, GetUserNameFromId(GetUserId(), false));
    values[kGrantsKeyId - 1] = IdDatum(key);
    values[kGrantee - 1] = ObjectIdGetDatum(grantee);
    values[kUse - 1] = CStringGetTextDatum(Name(use));
    values[kGrantedAt - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
    values[kGrantedBy - 1] = NameGetDatum(&granted_by);
    InsertKeyRow(table, values, nulls);
    DependOnGrantee(grantee);
  }
  table_close(table, NoLock);
  return missing;
}

bool RemoveGrant(const KeyId& key, Oid grantee, Use use) {
  const Relation table = table_open(KeyTable("key_grants"), RowExclusiveLock);
  const HeapTuple row = FindGrant(table, key, grantee, use);
  if (row != nullptr) {
    DeleteKeyRow(table, row);
    DependOnGrantee(grantee);
  }
  table_close(table, NoLock);
  return row != nullptr;
}

void RemoveGrantsOf(Oid grantee) {
  const char* const role = GetUserNameFromId(grantee, false);
  const Relation table = table_open(KeyTable("key_grants"), RowExclusiveLock);
  for (;;) {
    const SysScanDesc scan = BeginGrantsOf(table, grantee);
    const HeapTuple found = systable_getnext(scan);
    const HeapTuple row = HeapTupleIsValid(found) ? heap_copytuple(found) : nullptr;
    systable_endscan(scan);
    if (row == nullptr) break;
    DeleteKeyRow(table, row);
    RecordRevoked(row, table, role, "DROP OWNED");
  }
  table_close(table, NoLock);
  DependOnGrantee(grantee);
}

// The dependency is one of privileges for a column of the table: of a kind that PostgreSQL can describe, in
// every database of the cluster, that goes with the table, and that no GRANT of a DBA shares.
void DependOnGrantee(Oid grantee) {
  if (!OidIsValid(grantee)) return;
  const Oid table = KeyTable("key_grants");
  const Oid owner = ExtensionOwner();
  updateAclDependencies(RelationRelationId, table, kGrantee, owner, 1, OneRole(grantee), 0,
                        nullptr);
  if (AnyGrantOf(grantee))
    updateAclDependencies(RelationRelationId, table, kGrantee, owner, 0, nullptr, 1,
                          OneRole(grantee));
  CommandCounterIncrement();
}

}  // namespace bulla
