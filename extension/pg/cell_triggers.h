// The triggers that protect a column. They are its only registration, as a ledger's are: the arguments hold
// what must never change, and the column list of the one that names columns follows renames, dumps and
// clones on partitions.
#pragma once

extern "C" {
#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"
#include "utils/snapshot.h"
#include "utils/uuid.h"
}

#include "core/cell_context.h"

namespace bulla {

// The arguments of both triggers, in this order; the rest are names of bound columns.
struct CellArguments {
  CellId id;
  pg_uuid_t key;
  int bound_count;
  const char* const* bound;  // as the columns were called when they were bound
};

// Raises invalid_object_definition where they are not what FormatCellArguments writes. Points into `arguments`.
CellArguments ParseCellArguments(int count, char* const* arguments);
// As CREATE TRIGGER takes them, palloc'd.
const char* CellArgumentsSql(const CellArguments& arguments);

bool SameCell(const CellArguments& a, const CellArguments& b);

// "bulla.seal_cell" BEFORE INSERT OR UPDATE does the work. It has no column list, as other triggers change
// columns that no statement names. Its name sorts after those of users' triggers and before that of a
// ledger's, which hashes what is stored.
// "bulla.name_cell_columns" BEFORE UPDATE OF column, bound… WHEN (false) names the columns and is never called.
const char* SealTriggerName(const CellId& id);
const char* NameTriggerName(const CellId& id);
inline constexpr char kSealFunction[] = "seal_cell";
inline constexpr char kNameFunction[] = "name_cell_columns";

// The trigger of the relation that names a protected column and what it is bound to: that of this protection,
// or of the column with this number. nullptr where there is none.
const Trigger* FindNameTrigger(Relation relation, const CellId& id);
const Trigger* FindNameTrigger(Relation relation, AttrNumber column);
const Trigger* FindSealTrigger(Relation relation, const CellId& id);

// A BEFORE ROW trigger for INSERT or UPDATE that would fire after a value was sealed, and is not a ledger's.
const Trigger* FindTriggerAfterSealing(Relation relation);

// Whether it has any trigger that protects a column.
bool HasProtectedColumns(Relation relation);
// Whether one of them is its own, and not that of the partitioned table it belongs to.
bool IsProtectedByItself(Relation relation);

}  // namespace bulla
