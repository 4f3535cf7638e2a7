// The parts of an event that hold a row's values: row_key, old_values, new_values and personal.
#pragma once

extern "C" {
#include "postgres.h"
#include "executor/tuptable.h"
}

#include "pg/change_ledger.h"
#include "pg/change_source.h"

namespace bulla {

// Fills the parts from the row before and after; one of them is nullptr for INSERT and DELETE. Returns
// false, with the event as it was, for an UPDATE that changed no recorded value. What it allocates is in
// the current memory context.
bool FillChangedValues(ChangeSource* source, TupleTableSlot* before, TupleTableSlot* after,
                       ChangeEvent* event);

}  // namespace bulla
