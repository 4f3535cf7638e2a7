// What bulla.events says of a ledger: one index look-up each, by ledger, action, chain and seq. Run as the
// extension's owner, as nobody else may read the events. They see what is there now, and what this
// transaction has queued, which they insert first. An event counts as far as bulla.events itself verifies: a superuser can write rows there.
#pragma once

extern "C" {
#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
}

#include "core/record.h"

namespace bulla {

// Of the detail's fields, `chain` and `seq` where it has them.
struct LoggedEvent {
  const char* chain;  // null where the event is of the ledger as a whole
  int64 seq;          // -1 where the event is of no row
  int64 number;       // its own seq in bulla.events
  TimestampTz occurred_at;
  const char* role;
  Jsonb* detail;
};

// The last event of this action for the row, or nullptr. The one appended last, where there are several.
LoggedEvent* FindEvent(const LedgerId& ledger, const char* action, const char* chain, int64 seq);

// Of each chain that has one, the event of this action with the highest seq of the chain, among those that stand before
// this seq of bulla.events: a list of LoggedEvent*, in byte order of the chains.
List* LastEventOfEachChain(const LedgerId& ledger, const char* action, int64 before);

// The event of this action with the highest seq of the chain, of those that were recorded after another event, or
// nullptr.
LoggedEvent* FindLastEventAfter(const LedgerId& ledger, const char* action, const char* chain,
                                int64 number);

// The seq of bulla.events that is not sealed yet; that of no row where this database has no log to seal it in.
int64 SealedEvents();

// Every event of this action, in order of chain, seq and time.
List* AllEvents(const LedgerId& ledger, const char* action);

// Another field of the detail, a list of texts; NIL where it is none.
List* DetailTexts(const LoggedEvent* event, const char* name);

// A number among them; `otherwise` where it is none.
int64 DetailNumber(const LoggedEvent* event, const char* name, int64 otherwise);

// Another field of the detail as text, nullptr where it is absent or null; as a hash, false where it is none.
const char* DetailText(const LoggedEvent* event, const char* name);
bool DetailHash(const LoggedEvent* event, const char* name, LeafHash* hash);

// How many rows bulla.events says that a ledger began with, 0 where it does not know the ledger. The
// ledger's own triggers say it too, but their owner can write them anew.
int64 RecordedRetroactiveRows(const LedgerId& ledger);

}  // namespace bulla
