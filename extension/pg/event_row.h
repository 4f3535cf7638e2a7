// From an event as JSON to a row of its ledger.
#pragma once

extern "C" {
#include "postgres.h"
#include "utils/jsonb.h"
#include "utils/rel.h"
}

namespace bulla {

// Queues an event for an open ledger (pg/append_queue.h), as the current user. The event is an object
// whose keys are column names; its values are converted as jsonb_populate_record does, what it leaves out
// has its column's default, evaluated now. NOT NULL and CHECK constraints are checked now where no other
// trigger could still change the row.
//
// Raises invalid_parameter_value where the event is no object, undefined_column for a key that is no
// column, and what converting, defaults and constraints raise.
void QueueEvent(Relation ledger, Jsonb* event);

// The same for an event whose values are there already, by attribute; columns that are not given have their
// defaults.
void QueueValues(Relation ledger, const Datum* values, const bool* nulls, const bool* given);

}  // namespace bulla
