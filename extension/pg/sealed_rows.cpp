#include "pg/sealed_rows.h"

#include "pg/boundary.h"

extern "C" {
#include "access/genam.h"
#include "access/detoast.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
}

#include <algorithm>

#include "core/sealed_search.h"
#include "pg/append_queue.h"
#include "pg/context_owned.h"
#include "pg/key_rows.h"
#include "pg/ledger_triggers.h"
#include "pg/row_scan.h"

namespace bulla {
namespace {

constexpr int64 kNoticeEvery = 1'000'000;

List* LedgersOfDatabase() {
  List* ledgers = NIL;
  const Relation triggers = table_open(TriggerRelationId, AccessShareLock);
  ScanKeyData key;
  ScanKeyInit(&key, Anum_pg_trigger_tgfoid, BTEqualStrategyNumber, F_OIDEQ,
              ObjectIdGetDatum(TriggerFunction("chain_row")));
  const SysScanDesc scan = systable_beginscan(triggers, InvalidOid, false, nullptr, 1, &key);
  while (const HeapTuple row = systable_getnext(scan)) {
    const auto* const trigger = reinterpret_cast<const FormData_pg_trigger*>(GETSTRUCT(row));
    if (!OidIsValid(trigger->tgparentid)) ledgers = lappend_oid(ledgers, trigger->tgrelid);
  }
  systable_endscan(scan);
  table_close(triggers, AccessShareLock);
  return ledgers;
}

// The attributes that could hold a sealed value: all of variable length, whatever their type.
struct Places {
  int count;
  int last;
  int attributes[MaxHeapAttributeNumber];
  bool is_jsonb[MaxHeapAttributeNumber];
};

Places PlacesIn(TupleDesc columns) {
  Places places = {};
  for (int i = 0; i < columns->natts; ++i) {
    const FormData_pg_attribute* const column = TupleDescAttr(columns, i);
    if (column->attisdropped || column->attlen != -1) continue;
    places.is_jsonb[places.count] = getBaseType(column->atttypid) == JSONBOID;
    places.attributes[places.count++] = i;
    places.last = i + 1;
  }
  return places;
}

// The bytes to look at. A jsonb is looked at as text: stored, its strings stand one after another without
// anything between them, and hexadecimal digits at the end of one would be read on into the next.
Bytes BytesToSearch(Datum value, bool is_jsonb) {
  if (is_jsonb) {
    Jsonb* const document = DatumGetJsonbP(value);
    const StringInfo text = makeStringInfo();
    JsonbToCString(text, &document->root, VARSIZE(document));
    return {reinterpret_cast<const std::byte*>(text->data), static_cast<size_t>(text->len)};
  }
  const varlena* const bytes =
      pg_detoast_datum_packed(reinterpret_cast<varlena*>(DatumGetPointer(value)));
  return {reinterpret_cast<const std::byte*>(VARDATA_ANY(bytes)), VARSIZE_ANY_EXHDR(bytes)};
}

// Whose value one of these is; nothing where none is.
const VersionId* FindInRow(const SealedSearch* search, const Places* places, TupleTableSlot* row) {
  slot_getsomeattrs(row, places->last);
  for (int i = 0; i < places->count; ++i) {
    const int place = places->attributes[i];
    if (row->tts_isnull[place]) continue;
    const auto found = search->FindIn(BytesToSearch(row->tts_values[place], places->is_jsonb[i]));
    if (!found.has_value()) continue;
    auto* const version = static_cast<VersionId*>(palloc(sizeof(VersionId)));
    *version = *found;
    return version;
  }
  return nullptr;
}

[[noreturn]] void RaiseFound(Oid ledger, const VersionId& found, List* versions) {
  ListCell* cell;
  foreach (cell, versions) {
    const auto* const version = static_cast<const KeyRow*>(lfirst(cell));
    if (!SameBytes(version->version_id, found.bytes)) continue;
    ereport(ERROR,
            (errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
             errmsg("rows of ledger \"%s\" are sealed under version %d of key \"%s\"",
                    get_rel_name(ledger), version->version, version->name),
             errhint("They cannot be sealed anew. To make them unreadable for ever, say shred => "
                     "true.")));
  }
  elog(ERROR, "found a key version that was not looked for");
}

struct Search {
  const SealedSearch* versions;
  MemoryContext row_memory;
  int64 rows;
};

const VersionId* FindInTable(Search* search, Oid ledger, Relation table) {
  const Places places = PlacesIn(RelationGetDescr(table));
  TupleTableSlot* const row = table_slot_create(table, nullptr);
  const TableScanDesc scan = table_beginscan(table, GetActiveSnapshot(), 0, nullptr);
  const VersionId* found = nullptr;
  while (found == nullptr && table_scan_getnextslot(scan, ForwardScanDirection, row)) {
    CHECK_FOR_INTERRUPTS();
    const MemoryContext caller = MemoryContextSwitchTo(search->row_memory);
    found = FindInRow(search->versions, &places, row);
    MemoryContextSwitchTo(caller);
    if (found == nullptr) MemoryContextReset(search->row_memory);
    if (++search->rows % kNoticeEvery == 0) {
      ereport(NOTICE, (errmsg("looked at %lld rows of ledgers, now at \"%s\"",
                              static_cast<long long>(search->rows), get_rel_name(ledger))));
    }
  }
  table_endscan(scan);
  ExecDropSingleTupleTableSlot(row);
  return found;
}

// Locks the ledger; false where it is gone meanwhile.
bool LockLedger(Oid ledger) {
  LockRelationOid(ledger, AccessShareLock);
  if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(ledger))) return true;
  UnlockRelationOid(ledger, AccessShareLock);
  return false;
}

const SealedSearch* SearchFor(List* versions) {
  SealedSearch* const search = NewInContext<SealedSearch>();
  Enter([&]() -> Result<void> {
    for (int i = 0; i < list_length(versions); ++i) {
      const Bytes stored = static_cast<const KeyRow*>(list_nth(versions, i))->version_id;
      VersionId id;
      if (stored.size() != id.bytes.size()) continue;  // the table's constraints exclude it
      std::copy(stored.begin(), stored.end(), id.bytes.begin());
      search->Add(id);
    }
    return {};
  });
  return search;
}

}  // namespace

void RefuseSealedRows(List* versions) {
  if (versions == NIL) return;
  FlushQueue();  // what this transaction queued is part of what it sees
  Search search = {
      SearchFor(versions),
      AllocSetContextCreate(CurrentMemoryContext, "bulla sealed rows", ALLOCSET_DEFAULT_SIZES), 0};
  ListCell* ledger;
  foreach (ledger, LedgersOfDatabase()) {
    if (!LockLedger(lfirst_oid(ledger))) continue;
    ListCell* leaf;
    foreach (leaf, LedgerLeaves(lfirst_oid(ledger))) {
      // Of now, whatever the isolation level.
      PushActiveSnapshot(GetLatestSnapshot());
      const Relation table = table_open(lfirst_oid(leaf), AccessShareLock);
      const VersionId* const found = FindInTable(&search, lfirst_oid(ledger), table);
      if (found != nullptr) RaiseFound(lfirst_oid(ledger), *found, versions);
      table_close(table, AccessShareLock);
      PopActiveSnapshot();
    }
  }
  MemoryContextDelete(search.row_memory);
}

}  // namespace bulla
