#include "pg/change_settings.h"

extern "C" {
#include "access/relation.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_trigger.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
}

#include "pg/ledger_relation.h"
#include "pg/ledger_triggers.h"
#include "pg/uuid_ids.h"
#include "pg/versions.h"

namespace bulla {
namespace {

[[noreturn]] void RaiseMalformed() {
  ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
                  errmsg("a trigger has an argument that bulla.audit_changes does not write"),
                  errhint("Drop the trigger; bulla.audit_changes makes the right ones.")));
}

void FormatColumns(StringInfo json, const char* name, List* columns) {
  appendStringInfo(json, ", \"%s\": {", name);
  ListCell* cell;
  foreach (cell, columns) {
    const auto* const column = static_cast<const NamedColumn*>(lfirst(cell));
    if (cell != list_head(columns)) appendStringInfoString(json, ", ");
    escape_json(json, column->name);
    if (column->key == nullptr) {
      appendStringInfo(json, ": %d", column->number);
    } else {
      appendStringInfo(json, ": {\"number\": %d, \"key\": ", column->number);
      escape_json(json, column->key);
      appendStringInfoChar(json, '}');
    }
  }
  appendStringInfoChar(json, '}');
}

JsonbValue* Member(JsonbContainer* object, const char* name) {
  JsonbValue key;
  key.type = jbvString;
  key.val.string.val = const_cast<char*>(name);
  key.val.string.len = static_cast<int>(strlen(name));
  return findJsonbValueFromContainer(object, JB_FOBJECT, &key);
}

JsonbContainer* Object(const JsonbValue* value) {
  if (value == nullptr || value->type != jbvBinary ||
      !JsonContainerIsObject(value->val.binary.data))
    RaiseMalformed();
  return value->val.binary.data;
}

const char* Text(const JsonbValue* value) {
  if (value == nullptr || value->type != jbvString) RaiseMalformed();
  return pnstrdup(value->val.string.val, value->val.string.len);
}

int64 Number(const JsonbValue* value) {
  if (value == nullptr || value->type != jbvNumeric) RaiseMalformed();
  return DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(value->val.numeric)));
}

List* ParseColumns(const JsonbValue* object) {
  List* columns = NIL;
  JsonbIterator* members = JsonbIteratorInit(Object(object));
  JsonbValue value;
  JsonbIteratorToken token;
  while ((token = JsonbIteratorNext(&members, &value, true)) != WJB_DONE) {
    if (token != WJB_KEY) continue;
    auto* const column = static_cast<NamedColumn*>(palloc0(sizeof(NamedColumn)));
    column->name = Text(&value);
    JsonbIteratorNext(&members, &value, true);
    if (value.type == jbvBinary) {
      column->key = Text(Member(Object(&value), "key"));
      column->number = static_cast<AttrNumber>(Number(Member(Object(&value), "number")));
    } else {
      column->number = static_cast<AttrNumber>(Number(&value));
    }
    columns = lappend(columns, column);
  }
  return columns;
}

bool IsLedgerOfId(Oid table, const LedgerId& id) {
  if (!OidIsValid(table) || get_rel_name(table) == nullptr) return false;
  const Relation relation = try_relation_open(table, AccessShareLock);
  if (relation == nullptr) return false;
  LedgerArguments arguments;
  const Trigger* const trigger = FindLedgerTrigger(relation);
  const bool is = trigger != nullptr &&
                  ParseLedgerArguments(trigger->tgnargs, trigger->tgargs, &arguments) &&
                  arguments.id == id;
  relation_close(relation, AccessShareLock);
  return is;
}

// A name is a column's, and no system column's.
bool IsColumn(Relation table, AttrNumber number, const char* name) {
  const TupleDesc columns = RelationGetDescr(table);
  if (number < 1 || number > columns->natts) return false;
  const FormData_pg_attribute* const column = TupleDescAttr(columns, number - 1);
  return !column->attisdropped && (name == nullptr || strcmp(NameStr(column->attname), name) == 0);
}

}  // namespace

const char* FormatChangeSettings(const ChangeSettings& settings) {
  StringInfoData json;
  initStringInfo(&json);
  appendStringInfo(&json, "{\"source\": %u, \"ledger\": {\"oid\": %u, \"id\": \"%s\", \"name\": ",
                   settings.source, settings.ledger, IdText(settings.ledger_id));
  escape_json(&json, settings.ledger_name);
  appendStringInfoChar(&json, '}');
  if (!settings.all_columns) FormatColumns(&json, "columns", settings.columns);
  FormatColumns(&json, "skip", settings.skip);
  FormatColumns(&json, "erasable", settings.erasable);
  FormatColumns(&json, "seal", settings.seal);
  appendStringInfoChar(&json, '}');
  return json.data;
}

ChangeSettings ParseChangeSettings(const char* argument) {
  Jsonb* const json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(argument)));
  if (!JB_ROOT_IS_OBJECT(json)) RaiseMalformed();
  JsonbContainer* const root = &json->root;
  JsonbContainer* const ledger = Object(Member(root, "ledger"));
  ChangeSettings settings;
  settings.source = static_cast<Oid>(Number(Member(root, "source")));
  settings.ledger = static_cast<Oid>(Number(Member(ledger, "oid")));
  settings.ledger_name = Text(Member(ledger, "name"));
  const Datum id = DirectFunctionCall1(uuid_in, CStringGetDatum(Text(Member(ledger, "id"))));
  settings.ledger_id = IdOfUuid<LedgerId>(*DatumGetUUIDP(id));
  const JsonbValue* const columns = Member(root, "columns");
  settings.all_columns = columns == nullptr;
  settings.columns = settings.all_columns ? NIL : ParseColumns(columns);
  settings.skip = ParseColumns(Member(root, "skip"));
  settings.erasable = ParseColumns(Member(root, "erasable"));
  settings.seal = ParseColumns(Member(root, "seal"));
  return settings;
}

Oid FindChangeLedger(const ChangeSettings& settings) {
  if (IsLedgerOfId(settings.ledger, settings.ledger_id)) return settings.ledger;
  List* const name = NameParts(settings.ledger_name);
  const Oid named = RangeVarGetRelid(makeRangeVarFromNameList(name), NoLock, true);
  return IsLedgerOfId(named, settings.ledger_id) ? named : InvalidOid;
}

const char* CurrentName(Relation source, const ChangeSettings& settings,
                        const NamedColumn* column) {
  if (IsColumn(source, column->number, column->name)) return column->name;
  const bool same_table = RelationGetRelid(source) == settings.source;
  const AttrNumber by_name = get_attnum(RelationGetRelid(source), column->name);
  const bool number_lives = IsColumn(source, column->number, nullptr);
  // A restored table counts its columns anew; a dropped column may have been added again.
  if (by_name > 0 && !(same_table && number_lives)) return column->name;
  if (by_name <= 0 && same_table) {
    if (!number_lives) return nullptr;
    return NameStr(TupleDescAttr(RelationGetDescr(source), column->number - 1)->attname);
  }
  ereport(ERROR,
          (errcode(ERRCODE_UNDEFINED_COLUMN),
           errmsg("the audit of table \"%s\" names a column \"%s\", which cannot be told any more",
                  RelationGetRelationName(source), column->name),
           errhint("Call bulla.stop_auditing and bulla.audit_changes again.")));
}

const Trigger* FindCaptureTrigger(Relation relation) {
  const TriggerDesc* const triggers = relation->trigdesc;
  const Oid function = triggers != nullptr ? TriggerFunction("capture_change") : InvalidOid;
  for (int i = 0; OidIsValid(function) && i < triggers->numtriggers; ++i) {
    const Trigger& trigger = triggers->triggers[i];
    if (trigger.tgfoid == function && TRIGGER_FOR_ROW(trigger.tgtype) && trigger.tgnargs == 1)
      return &trigger;
  }
  return nullptr;
}

Oid FindAuditedRoot(Relation relation) {
  List* tables = list_make1_oid(RelationGetRelid(relation));
  if (relation->rd_rel->relispartition)
    tables = list_concat(tables, get_partition_ancestors(RelationGetRelid(relation)));
  Oid root = InvalidOid;
  ListCell* cell;
  foreach (cell, tables) {
    const Relation table = table_open(lfirst_oid(cell), AccessShareLock);
    if (FindCaptureTrigger(table) != nullptr) root = lfirst_oid(cell);
    table_close(table, AccessShareLock);
  }
  return root;
}

}  // namespace bulla
