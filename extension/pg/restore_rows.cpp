#include "pg/restore_rows.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
}

#include "pg/key_tables.h"
#include "pg/uuid_ids.h"

namespace bulla {
namespace {

enum RestoresColumn {
  kLedgerId = 1,
  kEpoch,
  kRecordedAt,
  kRecordedBy,
  kReason,
  kRestoresColumns = kReason
};

void KeepRestore(const RestoreRow& restore, void* last) {
  *static_cast<RestoreRow*>(last) = restore;
}

}  // namespace

RestoreRow LastRestore(const LedgerId& ledger) {
  RestoreRow last{0, 0, nullptr};
  ReadRestores(ledger, KeepRestore, &last);
  return last;
}

void InsertRestore(const LedgerId& ledger, int32 epoch, const char* reason) {
  const Relation table = table_open(KeyTable("restores"), RowExclusiveLock);
  Datum values[kRestoresColumns];
  bool nulls[kRestoresColumns] = {};
  values[kLedgerId - 1] = IdDatum(ledger);
  values[kEpoch - 1] = Int32GetDatum(epoch);
  values[kRecordedAt - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
  values[kRecordedBy - 1] =
      DirectFunctionCall1(namein, CStringGetDatum(GetUserNameFromId(GetUserId(), false)));
  values[kReason - 1] = CStringGetTextDatum(reason);
  CatalogTupleInsert(table, heap_form_tuple(RelationGetDescr(table), values, nulls));
  table_close(table, NoLock);
  CommandCounterIncrement();
}

void ReadRestores(const LedgerId& ledger, void (*found)(const RestoreRow& restore, void* state),
                  void* state) {
  const Relation table = table_open(KeyTable("restores"), AccessShareLock);
  const SysScanDesc scan =
      BeginKeyScan(table, "restores_pkey", kLedgerId, F_UUID_EQ, IdDatum(ledger));
  while (const HeapTuple row = systable_getnext(scan)) {
    found({DatumGetInt32(ColumnOf(row, table, kEpoch)),
           DatumGetTimestampTz(ColumnOf(row, table, kRecordedAt)), TextOf(row, table, kReason)},
          state);
  }
  systable_endscan(scan);
  table_close(table, AccessShareLock);
}

}  // namespace bulla
