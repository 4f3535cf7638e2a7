#include "pg/ddl_types.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
}

#include "pg/ddl_catalog.h"
#include "pg/ledger_checks.h"

namespace bulla {
namespace {

// A column of a ledger.
struct Use {
  Oid table;
  AttrNumber column;
};

struct Search {
  bool erasable;  // only columns that are, and only of domains
  List* seen;
  Use use;
};

bool FindUse(Oid type, Search* search);

bool IsErasable(Oid table, AttrNumber column) {
  LedgerArguments ledger;
  if (!ReadLedgerArguments(LedgerOf(table, nullptr), &ledger)) return false;
  const char* const name = get_attname(table, column, false);
  for (int i = 0; i < ledger.erasable_count; ++i) {
    if (strcmp(ledger.erasable[i], name) == 0) return true;
  }
  return false;
}

// One row of pg_depend: what depends on the type.
bool FollowDependent(const FormData_pg_depend* dependent, Search* search) {
  if (dependent->classid == TypeRelationId) {
    if (search->erasable && get_typtype(dependent->objid) != TYPTYPE_DOMAIN) return false;
    return FindUse(dependent->objid, search);
  }
  if (dependent->classid != RelationRelationId || dependent->objsubid <= 0) return false;
  if (get_rel_relkind(dependent->objid) == RELKIND_COMPOSITE_TYPE)
    return !search->erasable && FindUse(get_rel_type_id(dependent->objid), search);
  const auto column = static_cast<AttrNumber>(dependent->objsubid);
  if (!OidIsValid(LedgerOf(dependent->objid, nullptr)) ||
      (search->erasable && !IsErasable(dependent->objid, column)))
    return false;
  search->use = {dependent->objid, column};
  return true;
}

// Arrays, domains, ranges and composite types made of a type depend on it in the catalogue, and columns
// on all of them.
bool FindUse(Oid type, Search* search) {
  if (list_member_oid(search->seen, type)) return false;
  search->seen = lappend_oid(search->seen, type);
  ScanKeyData keys[2];
  ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
              ObjectIdGetDatum(TypeRelationId));
  ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
              ObjectIdGetDatum(type));
  const Relation depend = table_open(DependRelationId, AccessShareLock);
  const SysScanDesc scan =
      systable_beginscan(depend, DependReferenceIndexId, true, nullptr, lengthof(keys), keys);
  bool found = false;
  while (HeapTuple tuple = found ? nullptr : systable_getnext(scan))
    found = FollowDependent(reinterpret_cast<Form_pg_depend>(GETSTRUCT(tuple)), search);
  systable_endscan(scan);
  table_close(depend, AccessShareLock);
  return found;
}

void RefuseIfUsed(Oid type, const char* what, const char* hint) {
  Search search = {};
  if (!FindUse(type, &search)) return;
  ereport(
      ERROR,
      (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
       errmsg("%s of type %s cannot be changed: values of column \"%s\" of ledger \"%s\" "
              "would say something else",
              what, format_type_be(type), get_attname(search.use.table, search.use.column, false),
              get_rel_name(search.use.table)),
       errhint("%s", hint)));
}

void RefuseIfErasable(Oid domain) {
  Search search = {true, NIL, {}};
  if (!FindUse(domain, &search)) return;
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("domain %s cannot be NOT NULL: column \"%s\" of ledger \"%s\" is erasable",
                  format_type_be(domain), get_attname(search.use.table, search.use.column, false),
                  get_rel_name(search.use.table)),
           errhint("bulla.erase sets it NULL. Make another domain for columns that stay.")));
}

// Labels that were there are there; new ones harm nobody.
bool SameLabels(Oid type, Snapshot before) {
  List* const now = EnumLabels(type, nullptr);
  ListCell* cell;
  foreach (cell, EnumLabels(type, before)) {
    const auto* const was = static_cast<const EnumLabel*>(lfirst(cell));
    bool found = false;
    ListCell* other;
    foreach (other, now) {
      const auto* const is = static_cast<const EnumLabel*>(lfirst(other));
      found =
          found || (is->oid == was->oid && strcmp(NameStr(is->label), NameStr(was->label)) == 0);
    }
    if (!found) return false;
  }
  return true;
}

bool SameAttributes(Oid relation, Snapshot before) {
  List* const was = ColumnsOf(relation, before);
  List* const is = ColumnsOf(relation, nullptr);
  if (list_length(was) != list_length(is)) return false;
  for (int i = 0; i < list_length(was); ++i) {
    const auto* const a = static_cast<const ColumnFacts*>(list_nth(was, i));
    const auto* const b = static_cast<const ColumnFacts*>(list_nth(is, i));
    if (a->dropped != b->dropped || a->type != b->type ||
        strcmp(NameStr(a->name), NameStr(b->name)) != 0)
      return false;
  }
  return true;
}

}  // namespace

void JudgeType(Oid type, Snapshot before) {
  const Oid relation = get_typ_typrelid(type);
  if (OidIsValid(relation)) {
    TableFacts facts;
    if (ReadTable(relation, before, &facts) && !SameAttributes(relation, before))
      RefuseIfUsed(type, "the attributes", "Make a new type, and a nullable column of it.");
  } else if (get_typtype(type) == TYPTYPE_DOMAIN && DomainRefusesNull(type)) {
    RefuseIfErasable(type);
  } else if (get_typtype(type) == TYPTYPE_ENUM && !SameLabels(type, before)) {
    RefuseIfUsed(type, "the values", "Add a value to the type instead: ALTER TYPE … ADD VALUE.");
  }
}

}  // namespace bulla
