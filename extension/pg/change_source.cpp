#include "pg/change_source.h"

extern "C" {
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"
}

#include "pg/change_settings.h"
#include "pg/ledger_triggers.h"
#include "pg/relation_cache.h"

namespace bulla {
namespace {

RelationCache<ChangeSource>* Sources() {
  static RelationCache<ChangeSource>* cache = nullptr;
  if (cache == nullptr) cache = RelationCache<ChangeSource>::Make("bulla audited tables");
  return cache;
}

const NamedColumn* FindNamed(Relation root, const ChangeSettings& settings, List* columns,
                             const char* name) {
  ListCell* cell;
  foreach (cell, columns) {
    const auto* const column = static_cast<const NamedColumn*>(lfirst(cell));
    const char* const now = CurrentName(root, settings, column);
    if (now != nullptr && strcmp(now, name) == 0) return column;
  }
  return nullptr;
}

// Types that value_text.h refuses may be in an event: their text is what they mean now.
bool DescribeText(Oid type, ValueType* described) {
  if (DescribeValueType(type, described)) return true;
  Oid output;
  bool varlena;
  getTypeOutputInfo(type, &output, &varlena);
  described->printer = Printer::kPinned;
  described->size_bound = SIZE_MAX;
  fmgr_info(output, &described->output);
  return false;
}

// Values of a virtual generated column (PostgreSQL 18) are nowhere but in queries.
bool IsStored(const FormData_pg_attribute* attribute) {
  return !attribute->attisdropped &&
         (attribute->attgenerated == '\0' || attribute->attgenerated == ATTRIBUTE_GENERATED_STORED);
}

void DescribeColumns(Relation relation, Relation root, const ChangeSettings& settings,
                     ChangeSource* source) {
  const TupleDesc attributes = RelationGetDescr(relation);
  Bitmapset* const key = AuditKeyColumns(relation);
  source->columns =
      static_cast<SourceColumn*>(palloc0(sizeof(SourceColumn) * (attributes->natts + 1)));
  for (int i = 0; i < attributes->natts; ++i) {
    const FormData_pg_attribute* const attribute = TupleDescAttr(attributes, i);
    const char* const name = NameStr(attribute->attname);
    if (!IsStored(attribute) || FindNamed(root, settings, settings.skip, name) != nullptr) continue;
    SourceColumn column = {};
    column.key = bms_is_member(i + 1 - FirstLowInvalidHeapAttributeNumber, key);
    if (!column.key && !settings.all_columns &&
        FindNamed(root, settings, settings.columns, name) == nullptr)
      continue;
    column.attribute = i;
    column.name = pstrdup(name);
    column.by_value = attribute->attbyval;
    column.length = attribute->attlen;
    if (!DescribeText(attribute->atttypid, &column.type)) source->has_other_types = true;
    column.sealed_as_bytes = getBaseType(attribute->atttypid) == BYTEAOID;
    column.erasable = FindNamed(root, settings, settings.erasable, name) != nullptr;
    const NamedColumn* const seal = FindNamed(root, settings, settings.seal, name);
    column.seal_key = seal != nullptr ? seal->key : nullptr;
    source->has_key = source->has_key || column.key;
    source->columns[source->column_count++] = column;
  }
}

void Describe(Relation relation, const char* argument, ChangeSource* source) {
  const ChangeSettings settings = ParseChangeSettings(argument);
  const Oid root = FindAuditedRoot(relation);
  // Not there for a detached partition's TRUNCATE trigger, the only one that is left of it.
  source->root = OidIsValid(root) ? root : RelationGetRelid(relation);
  source->ledger = FindChangeLedger(settings);
  if (!OidIsValid(source->ledger)) {
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_TABLE),
             errmsg("the ledger %s, to which changes of table \"%s\" are recorded, is not there",
                    settings.ledger_name, RelationGetRelationName(relation)),
             errhint("Call bulla.stop_auditing, and bulla.audit_changes with another ledger.")));
  }
  if (FindLedgerTrigger(relation) != nullptr) {
    ereport(ERROR,
            (errcode(ERRCODE_WRONG_OBJECT_TYPE),
             errmsg("table \"%s\" is audited and a ledger", RelationGetRelationName(relation)),
             errhint("Call bulla.stop_auditing: a ledger records itself.")));
  }
  const Relation table = table_open(source->root, AccessShareLock);
  DescribeColumns(relation, table, settings, source);
  table_close(table, AccessShareLock);
}

}  // namespace

Bitmapset* AuditKeyColumns(Relation relation) {
  Bitmapset* const primary = RelationGetIndexAttrBitmap(relation, INDEX_ATTR_BITMAP_PRIMARY_KEY);
  if (!bms_is_empty(primary)) return primary;
  return RelationGetIndexAttrBitmap(relation, INDEX_ATTR_BITMAP_IDENTITY_KEY);
}

ChangeSource* DescribeChangeSource(Relation relation, const char* argument) {
  return Sources()->Find(relation,
                         [&](ChangeSource* source) { Describe(relation, argument, source); });
}

}  // namespace bulla
