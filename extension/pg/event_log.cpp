#include "pg/event_log.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
}

#include "pg/append_queue.h"
#include "pg/own_ledger.h"

namespace bulla {
namespace {

constexpr char kCreateTable[] =
    "CREATE TABLE bulla.events ("
    " event_id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),"
    " occurred_at timestamp with time zone NOT NULL DEFAULT pg_catalog.clock_timestamp(),"
    " action text NOT NULL,"
    " role text NOT NULL,"
    " session_role text NOT NULL,"
    " detail jsonb NOT NULL)";

// How what was done to a ledger, a chain or a row is found again: pg/event_lookup.cpp has the same
// expressions. In collation "C", whose order no upgrade of the operating system changes.
constexpr char kCreateIndex[] =
    "CREATE INDEX events_of_ledger ON bulla.events ("
    " ((detail OPERATOR(pg_catalog.->>) 'ledger_id') COLLATE pg_catalog.\"C\"),"
    " (action COLLATE pg_catalog.\"C\"),"
    " ((detail OPERATOR(pg_catalog.->>) 'chain') COLLATE pg_catalog.\"C\"),"
    " ((detail OPERATOR(pg_catalog.->>) 'seq')::pg_catalog.int8),"
    " seq)";

constexpr OwnLedger kEvents = {
    "events", kCreateTable,
    "Everything that was done to ledgers and keys of this database, itself a ledger.",
    kCreateIndex};

// Names the event itself, so that its row can be found again.
void QueueOwnEvent(Datum event_id, const char* action, const EventDetail& detail) {
  QueueIntoOwnLedger(kEvents,
                     EventDetail()
                         .Text("event_id", DatumGetCString(DirectFunctionCall1(uuid_out, event_id)))
                         .Text("action", action)
                         .Text("role", GetUserNameFromId(GetUserId(), false))
                         .Text("session_role", GetUserNameFromId(GetSessionUserId(), false))
                         .Object("detail", detail)
                         .Json());
}

// As it stands in the table now, whoever's snapshot this transaction uses.
int64 SeqOfEvent(Datum event_id) {
  const Relation events = table_open(OwnRelation("events"), AccessShareLock);
  const Oid index = OwnRelation("events_pkey");
  ScanKeyData key;
  ScanKeyInit(&key, get_attnum(RelationGetRelid(events), "event_id"), BTEqualStrategyNumber,
              F_UUID_EQ, event_id);
  const SysScanDesc scan =
      systable_beginscan(events, index, OidIsValid(index), SnapshotSelf, 1, &key);
  const HeapTuple row = systable_getnext(scan);
  if (!HeapTupleIsValid(row)) {
    ereport(ERROR, (errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
                    errmsg("a trigger suppressed an event of bulla.events")));
  }
  bool null;
  const int64 seq = DatumGetInt64(heap_getattr(row, get_attnum(RelationGetRelid(events), "seq"),
                                               RelationGetDescr(events), &null));
  systable_endscan(scan);
  table_close(events, NoLock);
  return seq;
}

}  // namespace

EventDetail::EventDetail() : text_(makeStringInfo()) {}

void EventDetail::Name(const char* name) {
  appendStringInfoString(text_, text_->len == 0 ? "" : ", ");
  escape_json(text_, name);
  appendStringInfoString(text_, ": ");
}

EventDetail& EventDetail::Text(const char* name, const char* value) {
  Name(name);
  escape_json(text_, value);
  return *this;
}

EventDetail& EventDetail::Texts(const char* name, List* values) {
  Name(name);
  for (int i = 0; i < list_length(values); ++i) {
    appendStringInfoString(text_, i == 0 ? "[" : ", ");
    escape_json(text_, static_cast<const char*>(list_nth(values, i)));
  }
  appendStringInfoString(text_, values == NIL ? "[]" : "]");
  return *this;
}

EventDetail& EventDetail::Number(const char* name, int64 value) {
  Name(name);
  appendStringInfo(text_, INT64_FORMAT, value);
  return *this;
}

EventDetail& EventDetail::Boolean(const char* name, bool value) {
  Name(name);
  appendStringInfoString(text_, value ? "true" : "false");
  return *this;
}

EventDetail& EventDetail::Bytes(const char* name, const void* bytes, size_t size) {
  Name(name);
  appendStringInfoChar(text_, '"');
  for (size_t i = 0; i < size; ++i)
    appendStringInfo(text_, "%02x", static_cast<const uint8*>(bytes)[i]);
  appendStringInfoChar(text_, '"');
  return *this;
}

EventDetail& EventDetail::Object(const char* name, const EventDetail& object) {
  Name(name);
  appendStringInfoString(text_, object.Json());
  return *this;
}

const char* EventDetail::Json() const { return psprintf("{%s}", text_->data); }

void RecordEvent(const char* action, const EventDetail& detail) {
  QueueOwnEvent(OidFunctionCall0(F_GEN_RANDOM_UUID), action, detail);
}

void RecordDeed(const char* action, const EventDetail& detail, const Deed& deed) {
  QueueIntoOwnLedger(kEvents, EventDetail()
                                  .Text("occurred_at", deed.occurred_at)
                                  .Text("action", action)
                                  .Text("role", deed.role)
                                  .Text("session_role", deed.session_role)
                                  .Object("detail", detail)
                                  .Json());
}

int64 RecordEventNow(const char* action, const EventDetail& detail) {
  const Datum event_id = OidFunctionCall0(F_GEN_RANDOM_UUID);
  QueueOwnEvent(event_id, action, detail);
  FlushQueue();
  return SeqOfEvent(event_id);
}

}  // namespace bulla
