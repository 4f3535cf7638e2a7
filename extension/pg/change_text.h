// The texts of a row's columns as an event holds them: what is stored, printed under pinned settings, and
// sealed where the audit says so.
#pragma once

extern "C" {
#include "postgres.h"
#include "executor/tuptable.h"
}

#include <string_view>

#include "pg/change_source.h"

namespace bulla {

struct ColumnText {
  bool null;
  std::string_view text;
};

// Marks the columns of `source` whose stored bytes differ in two rows; returns how many. What was not
// touched and is stored out of line is not read.
int MarkDifferent(const ChangeSource* source, TupleTableSlot* before, TupleTableSlot* after,
                  bool* different);

// The texts of the wanted columns, indexed as source->columns, palloc'd; of the others nothing.
ColumnText* ReadTexts(ChangeSource* source, TupleTableSlot* row, const bool* wanted);

// Seals in place what the audit seals and is not sealed already. The context is the table's and the
// column's name, schema.table.column.
void SealTexts(const ChangeSource* source, const bool* wanted, ColumnText* texts);

}  // namespace bulla
