// The columns that the records of a table cover, as its catalogue names them.
#pragma once

extern "C" {
#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"
}

#include "pg/event_log.h"

namespace bulla {

struct RecordColumn {
  const char* name;
  const char* type;  // with its schema, and without length or precision
  bool has_missing;  // rows from before it was added show a default
};

// All but the generated and Bulla's own, as a list of RecordColumn*, palloc'd.
List* RecordColumns(Relation ledger);

// nullptr where there is none of this name.
const RecordColumn* FindRecordColumn(List* columns, const char* name);

// A type as events name it.
const char* TypeName(Oid type);

// Adds the fields columns and types to an event: what VerifySchema compares with later.
EventDetail& NameColumns(EventDetail& detail, Relation ledger);

}  // namespace bulla
