// bulla.events: Bulla's own ledger, in which everything that is done to ledgers and keys is written down.
// Made at first use and not by the install script, so that a restored dump brings its own.
#pragma once

extern "C" {
#include "postgres.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
}

#include "pg/own_ledger.h"

namespace bulla {

// A JSON object, field by field.
class EventDetail {  // trivially destructible: its text lives in the current memory context
 public:
  EventDetail();
  EventDetail& Text(const char* name, const char* value);
  EventDetail& Boolean(const char* name, bool value);
  EventDetail& Number(const char* name, int64 value);
  EventDetail& Texts(const char* name, List* values);  // of const char*, as an array
  EventDetail& Bytes(const char* name, const void* bytes, size_t size);  // as hex
  EventDetail& Object(const char* name, const EventDetail& object);
  const char* Json() const;

 private:
  void Name(const char* name);
  StringInfo text_;
};

// Queues an event for the end of this transaction (pg/append_queue.h), as the extension's owner, naming the
// current and the session user. Needs no rights of the caller.
void RecordEvent(const char* action, const EventDetail& detail);

// The same, inserted now, after what is queued: returns its seq in bulla.events. The chain of bulla.events is
// this transaction's until its end, so it is for rare acts.
int64 RecordEventNow(const char* action, const EventDetail& detail);

// As RecordEvent, for what another process did: when, as JSON has times, and as whom.
struct Deed {
  const char* occurred_at;
  const char* role;
  const char* session_role;
};
void RecordDeed(const char* action, const EventDetail& detail, const Deed& deed);

}  // namespace bulla
