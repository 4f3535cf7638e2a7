#include "pg/kek_rows.h"

extern "C" {
#include "access/genam.h"
#include "access/table.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"
}

#include "pg/key_tables.h"

namespace bulla {
namespace {

// Whether bulla.keks knows the KEK, which is not retired before this transaction ends.
bool IsInUse(Relation keks, const char* kek_id) {
  const HeapTuple row =
      LockKeyRow(keks, "keks_pkey", kKeksId, F_TEXTEQ, CStringGetTextDatum(kek_id), LockTupleShare);
  if (row == nullptr) return false;
  if (!ColumnIsNull(row, keks, kRetiredAt)) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("KEK %s was retired and wraps no keys any more", kek_id),
                    errhint("Name another one first in bulla.kek.")));
  }
  return true;
}

}  // namespace

void NoteKek(const char* kek_id) {
  const Relation keks = table_open(KeyTable("keks"), RowShareLock);
  if (!IsInUse(keks, kek_id)) {
    // Where two meet a new KEK at once, one waits for the other.
    LockRelation(keks, ShareRowExclusiveLock);
    if (!IsInUse(keks, kek_id)) {
      Datum values[kKeksColumns] = {CStringGetTextDatum(kek_id),
                                    TimestampTzGetDatum(GetCurrentTimestamp())};
      bool nulls[kKeksColumns] = {false, false, true, true};
      InsertKeyRow(keks, values, nulls);
    }
  }
  table_close(keks, NoLock);
}

}  // namespace bulla
