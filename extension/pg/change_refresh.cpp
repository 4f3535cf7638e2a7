#include "pg/change_refresh.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_trigger.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
}

#include "pg/change_settings.h"
#include "pg/ledger_relation.h"
#include "pg/ledger_triggers.h"

namespace bulla {
namespace {

// The one argument of a trigger's row, nullptr where it has not just one.
const char* ArgumentOf(Relation catalog, HeapTuple trigger) {
  bool null;
  const Datum stored =
      heap_getattr(trigger, Anum_pg_trigger_tgargs, RelationGetDescr(catalog), &null);
  if (reinterpret_cast<Form_pg_trigger>(GETSTRUCT(trigger))->tgnargs != 1 || null) return nullptr;
  const bytea* const bytes = DatumGetByteaPP(stored);
  return pnstrdup(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

void SetArgument(Relation catalog, HeapTuple trigger, const char* argument) {
  Datum values[Natts_pg_trigger] = {};
  bool nulls[Natts_pg_trigger] = {};
  bool replaces[Natts_pg_trigger] = {};
  const int size = static_cast<int>(strlen(argument)) + 1;  // stored with its NUL
  values[Anum_pg_trigger_tgargs - 1] = PointerGetDatum(cstring_to_text_with_len(argument, size));
  replaces[Anum_pg_trigger_tgargs - 1] = true;
  const HeapTuple changed =
      heap_modify_tuple(trigger, RelationGetDescr(catalog), values, nulls, replaces);
  CatalogTupleUpdate(catalog, &trigger->t_self, changed);
  CacheInvalidateRelcacheByRelid(reinterpret_cast<Form_pg_trigger>(GETSTRUCT(trigger))->tgrelid);
}

// The rows are changed in place and not made anew: that needs no lock on tables that others write to, and
// clones on partitions stay what they are.
template <class Refreshed>
void ForEachAuditTrigger(Refreshed refreshed) {
  const Oid function = TriggerFunction("capture_change");
  const Relation catalog = table_open(TriggerRelationId, RowExclusiveLock);
  const SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, nullptr, 0, nullptr);
  while (const HeapTuple trigger = systable_getnext(scan)) {
    if (reinterpret_cast<Form_pg_trigger>(GETSTRUCT(trigger))->tgfoid != function) continue;
    const char* const argument = ArgumentOf(catalog, trigger);
    const char* const now = argument != nullptr ? refreshed(argument) : nullptr;
    if (now != nullptr && strcmp(now, argument) != 0) SetArgument(catalog, trigger, now);
  }
  systable_endscan(scan);
  table_close(catalog, RowExclusiveLock);
}

// The same columns under the names of now, without those that were dropped.
List* NamedNow(Relation source, const ChangeSettings& settings, List* columns) {
  List* now = NIL;
  ListCell* cell;
  foreach (cell, columns) {
    const auto* const column = static_cast<const NamedColumn*>(lfirst(cell));
    const char* const name = CurrentName(source, settings, column);
    if (name == nullptr) continue;
    auto* const renamed = static_cast<NamedColumn*>(palloc(sizeof(NamedColumn)));
    *renamed = {pstrdup(name), get_attnum(RelationGetRelid(source), name), column->key};
    now = lappend(now, renamed);
  }
  return now;
}

const char* WithNamesOfNow(Relation source, const char* argument) {
  ChangeSettings settings = ParseChangeSettings(argument);
  settings.columns = NamedNow(source, settings, settings.columns);
  settings.skip = NamedNow(source, settings, settings.skip);
  settings.erasable = NamedNow(source, settings, settings.erasable);
  settings.seal = NamedNow(source, settings, settings.seal);
  settings.source = RelationGetRelid(source);
  return FormatChangeSettings(settings);
}

}  // namespace

void RefreshColumns(Oid root) {
  const Relation source = table_open(root, NoLock);
  const Trigger* const capture = FindCaptureTrigger(source);
  const char* const before = capture != nullptr ? pstrdup(capture->tgargs[0]) : nullptr;
  const char* const after = before != nullptr ? WithNamesOfNow(source, before) : nullptr;
  table_close(source, NoLock);
  if (before == nullptr || strcmp(before, after) == 0) return;
  // Its own triggers and those of its partitions have the same argument.
  ForEachAuditTrigger(
      [=](const char* argument) { return strcmp(argument, before) == 0 ? after : nullptr; });
}

void RefreshLedgerNames() {
  ForEachAuditTrigger([](const char* argument) -> const char* {
    ChangeSettings settings = ParseChangeSettings(argument);
    const Oid ledger = FindChangeLedger(settings);
    if (!OidIsValid(ledger)) return nullptr;
    settings.ledger = ledger;
    settings.ledger_name = QualifiedName(ledger);
    return FormatChangeSettings(settings);
  });
}

}  // namespace bulla
