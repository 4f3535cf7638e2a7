#include "pg/ledger_columns.h"

extern "C" {
#include "utils/builtins.h"
}

#include "pg/ledger_relation.h"

namespace bulla {

const char* TypeName(Oid type) { return format_type_extended(type, -1, FORMAT_TYPE_FORCE_QUALIFY); }

List* RecordColumns(Relation ledger) {
  const LedgerRelation* const described = LookAtLedger(ledger);
  const TupleDesc attributes = RelationGetDescr(ledger);
  List* columns = NIL;
  for (int i = 0; i < attributes->natts; ++i) {
    const FormData_pg_attribute* const attribute = TupleDescAttr(attributes, i);
    if (attribute->attisdropped || attribute->attgenerated != '\0' || IsOwnColumn(described, i))
      continue;
    auto* const column = static_cast<RecordColumn*>(palloc(sizeof(RecordColumn)));
    *column = {pstrdup(NameStr(attribute->attname)), TypeName(attribute->atttypid),
               attribute->atthasmissing};
    columns = lappend(columns, column);
  }
  return columns;
}

const RecordColumn* FindRecordColumn(List* columns, const char* name) {
  ListCell* cell;
  foreach (cell, columns) {
    const auto* const column = static_cast<const RecordColumn*>(lfirst(cell));
    if (strcmp(column->name, name) == 0) return column;
  }
  return nullptr;
}

EventDetail& NameColumns(EventDetail& detail, Relation ledger) {
  List* names = NIL;
  List* types = NIL;
  ListCell* cell;
  foreach (cell, RecordColumns(ledger)) {
    const auto* const column = static_cast<const RecordColumn*>(lfirst(cell));
    names = lappend(names, const_cast<char*>(column->name));
    types = lappend(types, const_cast<char*>(column->type));
  }
  return detail.Texts("columns", names).Texts("types", types);
}

}  // namespace bulla
