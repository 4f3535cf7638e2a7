#include "pg/key_tables.h"

extern "C" {
#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
}

#include "core/hex.h"
#include "pg/boundary.h"

namespace bulla {
namespace {

// Backends watch this one, whichever of the tables changed.
void ForgetKeysEverywhere() {
  CacheInvalidateRelcacheByRelid(KeyTable("key_versions"));
  CommandCounterIncrement();
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

SysScanDesc BeginKeyScan(Relation table, const char* index, AttrNumber column, RegProcedure equals,
                         Datum value) {
  ScanKeyData key;
  ScanKeyInit(&key, column, BTEqualStrategyNumber, equals, value);
  return systable_beginscan(table, KeyTable(index), true, nullptr, 1, &key);
}

HeapTuple LockKeyRow(Relation table, const char* index, AttrNumber column, RegProcedure equals,
                     Datum value, LockTupleMode mode) {
  const SysScanDesc scan = BeginKeyScan(table, index, column, equals, value);
  const HeapTuple found = systable_getnext(scan);
  HeapTuple locked = nullptr;
  if (HeapTupleIsValid(found)) {
    TupleTableSlot* const slot = table_slot_create(table, nullptr);
    TM_FailureData failure;
    ItemPointerData place = found->t_self;
    const TM_Result result =
        table_tuple_lock(table, &place, SnapshotAny, slot, GetCurrentCommandId(false), mode,
                         LockWaitBlock, TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
    if (result == TM_Ok) {
      locked = ExecCopySlotHeapTuple(slot);
    } else if (result != TM_Deleted) {
      elog(ERROR, "row of table \"%s\" could not be locked: %d", RelationGetRelationName(table),
           static_cast<int>(result));
    }
    ExecDropSingleTupleTableSlot(slot);
  }
  systable_endscan(scan);
  return locked;
}

bool ColumnIsNull(HeapTuple row, Relation table, int column) {
  return heap_attisnull(row, column, RelationGetDescr(table));
}

Datum ColumnOf(HeapTuple row, Relation table, int column) {
  bool null;
  return heap_getattr(row, column, RelationGetDescr(table), &null);
}

const char* TextOf(HeapTuple row, Relation table, int column) {
  if (ColumnIsNull(row, table, column)) return "";
  return text_to_cstring(DatumGetTextPP(ColumnOf(row, table, column)));
}

Bytes BytesOf(HeapTuple row, Relation table, int column) {
  if (ColumnIsNull(row, table, column)) return {};
  const bytea* const copy = DatumGetByteaPCopy(ColumnOf(row, table, column));
  return {reinterpret_cast<const std::byte*>(VARDATA(copy)), VARSIZE(copy) - VARHDRSZ};
}

List* TextsOf(HeapTuple row, Relation table, int column) {
  if (ColumnIsNull(row, table, column)) return NIL;
  Datum* values;
  bool* nulls;
  int count;
  deconstruct_array(DatumGetArrayTypeP(ColumnOf(row, table, column)), TEXTOID, -1, false,
                    TYPALIGN_INT, &values, &nulls, &count);
  List* texts = NIL;
  for (int i = 0; i < count; ++i)
    if (!nulls[i]) texts = lappend(texts, TextDatumGetCString(values[i]));
  return texts;
}

Datum BytesDatum(Bytes bytes) {
  auto* const copy = static_cast<bytea*>(palloc(VARHDRSZ + bytes.size()));
  SET_VARSIZE(copy, VARHDRSZ + bytes.size());
  memcpy(VARDATA(copy), bytes.data(), bytes.size());
  return PointerGetDatum(copy);
}

Datum TextsDatum(List* texts) {
  auto* const values = static_cast<Datum*>(palloc(sizeof(Datum) * (list_length(texts) + 1)));
  for (int i = 0; i < list_length(texts); ++i)
    values[i] = CStringGetTextDatum(static_cast<const char*>(list_nth(texts, i)));
  return PointerGetDatum(
      construct_array(values, list_length(texts), TEXTOID, -1, false, TYPALIGN_INT));
}

const char* HexText(Bytes bytes) {
  auto* const text = static_cast<char*>(palloc(2 * bytes.size() + 1));
  *EncodeHex(bytes, text) = '\0';
  return text;
}

void InsertKeyRow(Relation table, Datum* values, bool* nulls) {
  CatalogTupleInsert(table, heap_form_tuple(RelationGetDescr(table), values, nulls));
  ForgetKeysEverywhere();
}

void UpdateKeyRow(Relation table, HeapTuple row, Datum* values, bool* nulls, bool* replaced) {
  const HeapTuple changed =
      heap_modify_tuple(row, RelationGetDescr(table), values, nulls, replaced);
  CatalogTupleUpdate(table, &row->t_self, changed);
  ForgetKeysEverywhere();
}

void DeleteKeyRow(Relation table, HeapTuple row) {
  CatalogTupleDelete(table, &row->t_self);
  ForgetKeysEverywhere();
}

}  // namespace bulla
