// SQL functions that rotate keys in an emergency, and say what is to be re-encrypted then.

#include "pg/boundary.h"

extern "C" {
#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/uuid.h"
}

#include "core/key_state.h"
#include "pg/arguments.h"
#include "pg/event_log.h"
#include "pg/key_rotation.h"
#include "pg/key_tables.h"
#include "pg/user_scope.h"
#include "pg/versions.h"

namespace bulla {
namespace {

constexpr int kResultColumns = 5;  // key, version, table, column, todo

// DatumGetName would take bulla::Name for its type.
const char* NameText(Datum name) { return reinterpret_cast<const NameData*>(name)->data; }

void ReturnRow(FunctionCallInfo fcinfo, const KeyRow& key, int32 version, Datum table, Datum column,
               const char* todo) {
  const auto* const result = reinterpret_cast<const ReturnSetInfo*>(fcinfo->resultinfo);
  Datum values[kResultColumns] = {CStringGetTextDatum(key.name), Int32GetDatum(version), table,
                                  column, CStringGetTextDatum(todo)};
  const bool no_column = column == Datum{0};
  bool nulls[kResultColumns] = {false, version == 0, no_column, no_column, false};
  tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

// A row for each column that is protected under the key, or one that says that there is none.
void ReturnWhatIsLeft(FunctionCallInfo fcinfo, const KeyRow& key, int32 version) {
  const UserScope caller = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
  SPI_connect();
  Oid types[] = {UUIDOID};
  Datum values[] = {UUIDPGetDatum(&key.key_id)};
  if (SPI_execute_with_args(
          "SELECT p.\"table\", p.\"column\", pg_catalog.format('CALL bulla.reencrypt_column(%L, "
          "%L)', p.\"table\", p.\"column\") FROM bulla.protected_columns AS p WHERE p.key_id "
          "OPERATOR(pg_catalog.=) $1 ORDER BY p.\"table\"::pg_catalog.text, p.\"column\"",
          1, types, values, nullptr, true, 0) != SPI_OK_SELECT)
    elog(ERROR, "the protected columns could not be read");
  for (uint64 i = 0; i < SPI_processed; ++i) {
    const HeapTuple row = SPI_tuptable->vals[i];
    bool null;
    ReturnRow(fcinfo, key, version, SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &null),
              SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &null),
              SPI_getvalue(row, SPI_tuptable->tupdesc, 3));
  }
  if (SPI_processed == 0)
    ReturnRow(fcinfo, key, version, Datum{0}, Datum{0},
              "re-encrypt what the application sealed: no protected column has this key");
  SPI_finish();
  EndAs(caller);
}

void RotateAndReturn(FunctionCallInfo fcinfo, const KeyRow& key, const char* reason) {
  ReturnWhatIsLeft(fcinfo, key, RotateKey(key, reason));
}

bool IsDestroyed(const KeyRow& key) {
  ListCell* cell;
  foreach (cell, ReadVersions(key))
    if (static_cast<const KeyRow*>(lfirst(cell))->state != Name(KeyState::kDestroyed)) return false;
  return true;
}

int CompareUuids(const ListCell* a, const ListCell* b) {
  return memcmp(lfirst(a), lfirst(b), UUID_LEN);
}

// Their ids, pg_uuid_t*, in the order in which everybody locks several.
List* KeysCreatedBy(const char* role) {
  List* keys = NIL;
  const Relation table = table_open(KeyTable("key_names"), AccessShareLock);
  const SysScanDesc scan = systable_beginscan(table, InvalidOid, false, nullptr, 0, nullptr);
  while (const HeapTuple row = systable_getnext(scan)) {
    const Datum creator = ColumnOf(row, table, kNamesCreatedBy);
    if (strcmp(NameText(creator), role) != 0) continue;
    auto* const key = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t)));
    *key = *DatumGetUUIDP(ColumnOf(row, table, kNamesKeyId));
    keys = lappend(keys, key);
  }
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  list_sort(keys, CompareUuids);
  return keys;
}

}  // namespace

BULLA_FUNCTION(bulla_emergency_rotate_key);
Datum bulla_emergency_rotate_key(PG_FUNCTION_ARGS) {
  PreventCommandIfReadOnly("bulla.emergency_rotate()");
  const char* const name = CStringArgument(fcinfo, 0, "key");
  const char* const reason = ReasonArgument(fcinfo, 1);
  ReturnSet(fcinfo);
  RotateAndReturn(fcinfo, LockKey(name), reason);
  return Datum{0};
}

BULLA_FUNCTION(bulla_emergency_rotate_owned);
Datum bulla_emergency_rotate_owned(PG_FUNCTION_ARGS) {
  PreventCommandIfReadOnly("bulla.emergency_rotate()");
  RefuseNull(fcinfo, 0, "owner");
  const char* const owner = NameText(PG_GETARG_DATUM(0));
  const char* const reason = ReasonArgument(fcinfo, 1);
  ReturnSet(fcinfo);
  bool any = false;
  ListCell* cell;
  foreach (cell, KeysCreatedBy(owner)) {
    KeyRow key;
    if (!LockKeyById(*static_cast<const pg_uuid_t*>(lfirst(cell)), &key) || IsDestroyed(key))
      continue;
    any = true;
    if (key.purpose == Name(Purpose::kIndex)) {
      ReturnRow(fcinfo, key, 0, Datum{0}, Datum{0},
                "not rotated: bulla.create_key a new index key, and fill its indexes anew");
    } else if (strcmp(key.purpose, "log") == 0) {
      ReturnRow(fcinfo, key, 0, Datum{0}, Datum{0},
                "not rotated: it signs checkpoints, call bulla.rotate_signing_key()");
    } else {
      RotateAndReturn(fcinfo, key, reason);
    }
  }
  if (!any) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                    errmsg("role \"%s\" created no key that is left", owner),
                    errhint("The column created_by of bulla.keys says who created which.")));
  }
  return Datum{0};
}

}  // namespace bulla
