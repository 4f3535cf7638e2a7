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

int64 CountWrappedUnder(const char* kek_id) {
  int64 count = 0;
  const Relation versions = table_open(KeyTable("key_versions"), AccessShareLock);
  const SysScanDesc scan = systable_beginscan(versions, InvalidOid, false, nullptr, 0, nullptr);
  while (const HeapTuple row = systable_getnext(scan)) {
    if (!ColumnIsNull(row, versions, kWrapped) &&
        strcmp(TextOf(row, versions, kKekId), kek_id) == 0)
      ++count;
  }
  systable_endscan(scan);
  table_close(versions, AccessShareLock);
  return count;
}

void RefuseInUse(const char* kek_id) {
  const int64 count = CountWrappedUnder(kek_id);
  if (count == 0) return;
  ereport(ERROR,
          (errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
           errmsg("KEK %s wraps %lld versions of keys", kek_id, static_cast<long long>(count)),
           errhint("Name another one first in bulla.kek and move them: CALL "
                   "bulla.rewrap_keys().")));
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

void RetireKek(const char* kek_id, const char* role) {
  const Relation keks = table_open(KeyTable("keks"), RowExclusiveLock);
  // Whoever is about to wrap a key under it holds the row until his end.
  const HeapTuple row = LockKeyRow(keks, "keks_pkey", kKeksId, F_TEXTEQ,
                                   CStringGetTextDatum(kek_id), LockTupleExclusive);
  if (row == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                    errmsg("no key of this database was ever wrapped under KEK %s", kek_id),
                    errhint("The column kek_id of bulla.keys names those that are used.")));
  }
  if (!ColumnIsNull(row, keks, kRetiredAt)) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("KEK %s is retired already", kek_id)));
  }
  RefuseInUse(kek_id);
  Datum values[kKeksColumns] = {Datum{0}, Datum{0}, TimestampTzGetDatum(GetCurrentTimestamp()),
                                CStringGetTextDatum(role)};
  bool nulls[kKeksColumns] = {};
  bool replaced[kKeksColumns] = {false, false, true, true};
  UpdateKeyRow(keks, row, values, nulls, replaced);
  table_close(keks, NoLock);
}

}  // namespace bulla
