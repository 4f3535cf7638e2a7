#include "pg/ddl_catalog.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "nodes/nodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
}

namespace bulla {
namespace {

// Rows of a catalogue whose column equals an oid, by an index.
struct OidScan {
  Relation catalog;
  SysScanDesc scan;

  OidScan(Oid catalog_oid, Oid index, AttrNumber column, Oid value, Snapshot snapshot) {
    ScanKeyData key;
    ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(value));
    catalog = table_open(catalog_oid, AccessShareLock);
    scan = systable_beginscan(catalog, index, true, snapshot, 1, &key);
  }
  HeapTuple Next() { return systable_getnext(scan); }
  // Not a destructor: an error skips it, and then PostgreSQL cleans up.
  void End() {
    systable_endscan(scan);
    table_close(catalog, AccessShareLock);
  }
};

template <class Form>
Form FormOf(HeapTuple tuple) {
  return reinterpret_cast<Form>(GETSTRUCT(tuple));
}

bool IsOwnFunction(Oid function) {
  for (const RequiredTrigger& required : RequiredTriggers()) {
    if (TriggerFunction(required.function) == function) return true;
  }
  return false;
}

void CopyArguments(Relation catalog, HeapTuple tuple, OwnTrigger* trigger) {
  bool null;
  const Datum stored =
      heap_getattr(tuple, Anum_pg_trigger_tgargs, RelationGetDescr(catalog), &null);
  trigger->argument_count = FormOf<Form_pg_trigger>(tuple)->tgnargs;
  trigger->arguments = static_cast<char**>(palloc0(sizeof(char*) * (trigger->argument_count + 1)));
  const bytea* const bytes = DatumGetByteaPCopy(stored);
  const char* at = VARDATA_ANY(bytes);
  for (int i = 0; i < trigger->argument_count; ++i) {
    trigger->arguments[i] = pstrdup(at);
    at += strlen(at) + 1;
  }
}

OwnTrigger* CopyOwnTrigger(Relation catalog, HeapTuple tuple) {
  const Form_pg_trigger form = FormOf<Form_pg_trigger>(tuple);
  if (!IsOwnFunction(form->tgfoid)) return nullptr;
  auto* const trigger = static_cast<OwnTrigger*>(palloc0(sizeof(OwnTrigger)));
  bool unconditional;
  heap_getattr(tuple, Anum_pg_trigger_tgqual, RelationGetDescr(catalog), &unconditional);
  trigger->oid = form->oid;
  trigger->table = form->tgrelid;
  trigger->function = form->tgfoid;
  trigger->parent = form->tgparentid;
  trigger->type = form->tgtype;
  trigger->enabled = form->tgenabled;
  trigger->conditional = !unconditional || form->tgattr.dim1 > 0 ||
                         OidIsValid(form->tgconstraint) || form->tgdeferrable;
  trigger->name = form->tgname;
  CopyArguments(catalog, tuple, trigger);
  LedgerArguments ledger;
  const bool parsed = ParseLedgerArguments(trigger->argument_count, trigger->arguments, &ledger);
  return parsed ? trigger : nullptr;
}

// InvalidOid, or the one oid of a list.
List* OidColumn(Oid index, AttrNumber key, Oid value, Snapshot snapshot, bool parents) {
  List* oids = NIL;
  OidScan scan(InheritsRelationId, index, key, value, snapshot);
  while (HeapTuple tuple = scan.Next()) {
    const Form_pg_inherits form = FormOf<Form_pg_inherits>(tuple);
    oids = lappend_oid(oids, parents ? form->inhparent : form->inhrelid);
  }
  scan.End();
  return oids;
}

}  // namespace

Snapshot BeforeThisCommand() {
  const Snapshot before = RegisterSnapshot(GetLatestSnapshot());
  // The command's own snapshot was taken before its locks, so others may have committed since. But it
  // knows how much of this transaction came before.
  before->curcid = ActiveSnapshotSet() ? GetActiveSnapshot()->curcid : FirstCommandId;
  return before;
}

List* OwnTriggers(Oid table, Snapshot snapshot) {
  List* triggers = NIL;
  OidScan scan(TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, table,
               snapshot);
  while (HeapTuple tuple = scan.Next()) {
    if (OwnTrigger* const trigger = CopyOwnTrigger(scan.catalog, tuple))
      triggers = lappend(triggers, trigger);
  }
  scan.End();
  return triggers;
}

OwnTrigger* FindOwnTrigger(Oid trigger, Snapshot snapshot) {
  OidScan scan(TriggerRelationId, TriggerOidIndexId, Anum_pg_trigger_oid, trigger, snapshot);
  const HeapTuple tuple = scan.Next();
  OwnTrigger* const found = HeapTupleIsValid(tuple) ? CopyOwnTrigger(scan.catalog, tuple) : nullptr;
  scan.End();
  return found;
}

List* ParentsOf(Oid table, Snapshot snapshot) {
  return OidColumn(InheritsRelidSeqnoIndexId, Anum_pg_inherits_inhrelid, table, snapshot, true);
}

List* ChildrenOf(Oid table, Snapshot snapshot) {
  return OidColumn(InheritsParentIndexId, Anum_pg_inherits_inhparent, table, snapshot, false);
}

Oid LedgerOf(Oid table, Snapshot snapshot) {
  Oid ledger = OwnTriggers(table, snapshot) != NIL ? table : InvalidOid;
  for (List* parents = ParentsOf(table, snapshot); list_length(parents) == 1;
       parents = ParentsOf(linitial_oid(parents), snapshot)) {
    if (OwnTriggers(linitial_oid(parents), snapshot) != NIL) ledger = linitial_oid(parents);
  }
  return ledger;
}

bool ReadTable(Oid table, Snapshot snapshot, TableFacts* facts) {
  OidScan scan(RelationRelationId, ClassOidIndexId, Anum_pg_class_oid, table, snapshot);
  const HeapTuple tuple = scan.Next();
  if (HeapTupleIsValid(tuple)) {
    const Form_pg_class form = FormOf<Form_pg_class>(tuple);
    *facts = {form->relname, form->relnamespace, form->relowner, form->relkind,
              form->relpersistence};
  }
  scan.End();
  return HeapTupleIsValid(tuple);
}

List* ColumnsOf(Oid table, Snapshot snapshot) {
  List* columns = NIL;
  OidScan scan(AttributeRelationId, AttributeRelidNumIndexId, Anum_pg_attribute_attrelid, table,
               snapshot);
  while (HeapTuple tuple = scan.Next()) {
    const Form_pg_attribute form = FormOf<Form_pg_attribute>(tuple);
    if (form->attnum <= 0) continue;
    auto* const column = static_cast<ColumnFacts*>(palloc(sizeof(ColumnFacts)));
    *column = {form->attname,
               form->attnum,
               form->atttypid,
               form->attnotnull,
               form->attisdropped,
               form->attgenerated != '\0',
               form->atthasdef || form->attidentity != '\0'};
    columns = lappend(columns, column);
  }
  scan.End();
  return columns;
}

List* ChecksOf(Oid table, Snapshot snapshot) {
  List* checks = NIL;
  OidScan scan(ConstraintRelationId, ConstraintRelidTypidNameIndexId, Anum_pg_constraint_conrelid,
               table, snapshot);
  while (HeapTuple tuple = scan.Next()) {
    if (FormOf<Form_pg_constraint>(tuple)->contype != CONSTRAINT_CHECK) continue;
    bool null;
    const Datum stored =
        heap_getattr(tuple, Anum_pg_constraint_conbin, RelationGetDescr(scan.catalog), &null);
    if (null) continue;
    auto* const check = static_cast<CheckFacts*>(palloc(sizeof(CheckFacts)));
    *check = {FormOf<Form_pg_constraint>(tuple)->conname,
              static_cast<Node*>(stringToNode(TextDatumGetCString(stored)))};
    checks = lappend(checks, check);
  }
  scan.End();
  return checks;
}

bool ReadLedgerArguments(Oid ledger, LedgerArguments* arguments) {
  List* const triggers = OwnTriggers(ledger, nullptr);
  if (triggers == NIL) return false;
  const auto* const trigger = static_cast<const OwnTrigger*>(linitial(triggers));
  return ParseLedgerArguments(trigger->argument_count, trigger->arguments, arguments);
}

Oid TableOfIndex(Oid index, Snapshot snapshot) {
  OidScan scan(IndexRelationId, IndexRelidIndexId, Anum_pg_index_indexrelid, index, snapshot);
  const HeapTuple tuple = scan.Next();
  const Oid table = HeapTupleIsValid(tuple) ? FormOf<Form_pg_index>(tuple)->indrelid : InvalidOid;
  scan.End();
  return table;
}

List* EnumLabels(Oid type, Snapshot snapshot) {
  List* labels = NIL;
  OidScan scan(EnumRelationId, EnumTypIdLabelIndexId, Anum_pg_enum_enumtypid, type, snapshot);
  while (HeapTuple tuple = scan.Next()) {
    const Form_pg_enum form = FormOf<Form_pg_enum>(tuple);
    auto* const label = static_cast<EnumLabel*>(palloc(sizeof(EnumLabel)));
    *label = {form->oid, form->enumlabel};
    labels = lappend(labels, label);
  }
  scan.End();
  return labels;
}

}  // namespace bulla
