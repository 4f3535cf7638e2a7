// What bulla.protect_column refuses, each with a HINT that says what to do instead.
#pragma once

extern "C" {
#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"
}

namespace bulla {

// Raises where the column cannot be protected, or not with its values bound to these columns, of names.
void CheckCanProtect(Relation table, const char* column, List* bind_to);

// Raises where a trigger of this table would fire after values were sealed.
void CheckNoTriggerAfterSealing(Relation table);

// A column's number. Raises undefined_column.
AttrNumber ColumnNumber(Relation table, const char* column);

}  // namespace bulla
