#include "pg/event_log.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
}

#include "pg/append_queue.h"
#include "pg/chain_lock.h"
#include "pg/event_row.h"
#include "pg/ledger_triggers.h"
#include "pg/make_ledger.h"
#include "pg/run_command.h"
#include "pg/user_scope.h"

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

constexpr char kComment[] =
    "COMMENT ON TABLE bulla.events IS 'Everything that was done to ledgers and keys of this "
    "database, itself a ledger.'";

Oid TableOid(const char* name) {
  return get_relname_relid(name, get_namespace_oid("bulla", false));
}

void MakeEventLedger() {
  // One maker at a time; the second finds the table once it has the lock.
  AcquireSetupLock();
  if (OidIsValid(TableOid("events"))) return;
  SPI_connect();
  RunCommand(kCreateTable);
  RunCommand(kComment);
  MakeLedger(TableOid("events"), {});
  RunCommand(kCreateIndex);
  SPI_finish();
}

// DROP EXTENSION leaves the table behind as an ordinary one: events must not go there unseen.
void RequireEventLedger() {
  if (!OidIsValid(TableOid("events"))) MakeEventLedger();
  const Relation events = table_open(TableOid("events"), RowExclusiveLock);
  if (events->rd_rel->relowner != ExtensionOwner()) {
    ereport(
        ERROR,
        (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
         errmsg("table bulla.events is not owned by the owner of the extension"),
         errhint(
             "Give it back: ALTER TABLE bulla.events OWNER TO …, or keep it under another name.")));
  }
  if (FindLedgerTrigger(events) == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("table bulla.events is not a ledger any more"),
                    errhint("Keep it under another name, ALTER TABLE bulla.events RENAME TO …; the "
                            "next event makes a new one.")));
  }
  table_close(events, NoLock);
}

void QueueAsOwner(const char* event) {
  const UserScope caller = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
  RequireEventLedger();
  const Relation events = table_open(TableOid("events"), RowExclusiveLock);
  QueueEvent(events, DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(event))));
  table_close(events, NoLock);
  EndAs(caller);
}

// Names the event itself, so that its row can be found again.
void QueueOwnEvent(Datum event_id, const char* action, const EventDetail& detail) {
  QueueAsOwner(EventDetail()
                   .Text("event_id", DatumGetCString(DirectFunctionCall1(uuid_out, event_id)))
                   .Text("action", action)
                   .Text("role", GetUserNameFromId(GetUserId(), false))
                   .Text("session_role", GetUserNameFromId(GetSessionUserId(), false))
                   .Object("detail", detail)
                   .Json());
}

// As it stands in the table now, whoever's snapshot this transaction uses.
int64 SeqOfEvent(Datum event_id) {
  const Relation events = table_open(TableOid("events"), AccessShareLock);
  const Oid index = TableOid("events_pkey");
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

Oid ExtensionOwner() {
  const Oid table = TableOid("key_versions");
  const HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
  if (!HeapTupleIsValid(tuple)) {
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("table bulla.key_versions does not exist"),
             errhint("Run CREATE EXTENSION bulla.")));
  }
  const Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
  ReleaseSysCache(tuple);
  return owner;
}

void RecordEvent(const char* action, const EventDetail& detail) {
  QueueOwnEvent(OidFunctionCall0(F_GEN_RANDOM_UUID), action, detail);
}

void RecordDeed(const char* action, const EventDetail& detail, const Deed& deed) {
  QueueAsOwner(EventDetail()
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
