// What reading events for one ledger needs: its defaults and constraints, ready to be evaluated. Kept per
// backend until the table changes.
#pragma once

extern "C" {
#include "postgres.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"
}

namespace bulla {

struct EventCheck {
  const char* name;
  ExprState* expression;
};

struct EventReader {
  Oid relation;  // hash key; must be first
  bool valid;
  bool in_use;
  MemoryContext memory;
  Oid user;  // whose rights to what defaults and constraints call were looked at

  ExprContext* context;
  ExprState** defaults;  // by attribute; null where there is none
  int check_count;
  EventCheck* checks;          // those that look at columns of the record alone
  bool others_may_change_row;  // a trigger that is not Bulla's runs before the insert
  TupleTableSlot* row;
  FmgrInfo populate;  // jsonb_populate_record for the ledger's row type
};

// The reader of an open ledger, until the end of the current SQL function. Where the kept one is in use,
// as when a default appends to the same ledger, it is another, in the current memory context.
EventReader* EventReaderOf(Relation ledger);

// While it lives, the reader's memory is not another's.
class EventReaderInUse {
 public:
  explicit EventReaderInUse(EventReader* reader) : reader_(reader) { reader_->in_use = true; }
  ~EventReaderInUse() { reader_->in_use = false; }
  EventReaderInUse(const EventReaderInUse&) = delete;
  EventReaderInUse& operator=(const EventReaderInUse&) = delete;

 private:
  EventReader* reader_;
};

}  // namespace bulla
