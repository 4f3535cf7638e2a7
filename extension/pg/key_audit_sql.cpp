// The SQL function that says of which keys every use is recorded, where bulla.audit_decrypts leaves it to them.

#include "pg/boundary.h"

extern "C" {
#include "access/table.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/uuid.h"
}

#include "pg/arguments.h"
#include "pg/emergency.h"
#include "pg/event_log.h"
#include "pg/key_rows.h"

namespace bulla {
namespace {

// Of a key that this transaction has locked.
void SetAudited(const KeyRow& key, bool audited) {
  Datum values[kNamesColumns] = {};
  bool nulls[kNamesColumns] = {};
  bool replaced[kNamesColumns] = {};
  values[kNamesAudited - 1] = BoolGetDatum(audited);
  replaced[kNamesAudited - 1] = true;
  const Relation table = table_open(KeyTable("key_names"), RowExclusiveLock);
  const SysScanDesc scan =
      BeginKeyScan(table, "key_names_pkey", kNamesKeyId, F_UUID_EQ, UUIDPGetDatum(&key.key_id));
  const HeapTuple row = systable_getnext(scan);
  if (!HeapTupleIsValid(row)) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("key \"%s\" is gone", key.name)));
  }
  UpdateKeyRow(table, row, values, nulls, replaced);
  systable_endscan(scan);
  table_close(table, NoLock);
}

}  // namespace

BULLA_FUNCTION(bulla_set_key_audit);
Datum bulla_set_key_audit(PG_FUNCTION_ARGS) {
  PreventCommandIfReadOnly("bulla.set_key_audit()");
  const char* const name = CStringArgument(fcinfo, 0, "name");
  RefuseNull(fcinfo, 1, "audited");
  const bool audited = PG_GETARG_BOOL(1);
  // In an emergency more may be recorded, not less.
  if (!audited) RequireNotRestricted(Restriction::kReadOnly);
  const KeyRow key = LockKey(name);
  if (key.audited == audited) PG_RETURN_VOID();
  SetAudited(key, audited);
  RecordEvent("key.audit_changed", EventDetail()
                                       .Text("key", key.name)
                                       .Text("key_id", DatumGetCString(DirectFunctionCall1(
                                                           uuid_out, UUIDPGetDatum(&key.key_id))))
                                       .Boolean("audited", audited));
  PG_RETURN_VOID();
}

}  // namespace bulla
