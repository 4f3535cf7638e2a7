#include "pg/emergency_row.h"

extern "C" {
#include "access/genam.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
}

#include "pg/key_tables.h"

namespace bulla {
namespace {

enum EmergencyColumn { kOne = 1, kReason, kRestrictions, kCode, kSince, kBy, kColumns = kBy };

// Calls `use` with the row, where there is one.
template <class Use>
void WithRow(LOCKMODE lock, Use use) {
  const Relation table = table_open(KeyTable("emergency"), lock);
  const SysScanDesc scan = systable_beginscan(table, InvalidOid, false, nullptr, 0, nullptr);
  const HeapTuple row = systable_getnext(scan);
  if (HeapTupleIsValid(row)) use(table, row);
  systable_endscan(scan);
  table_close(table, lock == AccessShareLock ? lock : NoLock);
}

}  // namespace

const EmergencyRow* ReadEmergency() {
  EmergencyRow* found = nullptr;
  WithRow(AccessShareLock, [&](Relation table, HeapTuple row) {
    const Bytes code = BytesOf(row, table, kCode);
    if (code.size() != sizeof found->code.bytes)
      elog(ERROR, "the digest in bulla.emergency is not one of SHA-256");
    found = static_cast<EmergencyRow*>(palloc(sizeof(EmergencyRow)));
    found->reason = TextOf(row, table, kReason);
    found->restrictions = TextsOf(row, table, kRestrictions);
    memcpy(found->code.bytes.data(), code.data(), code.size());
  });
  return found;
}

void LockEmergency() { LockRelationOid(KeyTable("emergency"), ShareRowExclusiveLock); }

void InsertEmergency(const EmergencyRow& emergency) {
  const Relation table = table_open(KeyTable("emergency"), RowExclusiveLock);
  NameData by;
  namestrcpy(&by, GetUserNameFromId(GetUserId(), false));
  Datum values[kColumns];
  bool nulls[kColumns] = {};
  values[kOne - 1] = BoolGetDatum(true);
  values[kReason - 1] = CStringGetTextDatum(emergency.reason);
  values[kRestrictions - 1] = TextsDatum(emergency.restrictions);
  values[kCode - 1] = BytesDatum(emergency.code.bytes);
  values[kSince - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
  values[kBy - 1] = NameGetDatum(&by);
  InsertKeyRow(table, values, nulls);
  table_close(table, NoLock);
}

void SetRestrictions(List* restrictions) {
  WithRow(RowExclusiveLock, [&](Relation table, HeapTuple row) {
    Datum values[kColumns] = {};
    bool nulls[kColumns] = {};
    bool replaced[kColumns] = {};
    values[kRestrictions - 1] = TextsDatum(restrictions);
    replaced[kRestrictions - 1] = true;
    UpdateKeyRow(table, row, values, nulls, replaced);
  });
}

void DeleteEmergency() {
  WithRow(RowExclusiveLock, [](Relation table, HeapTuple row) { DeleteKeyRow(table, row); });
}

}  // namespace bulla
