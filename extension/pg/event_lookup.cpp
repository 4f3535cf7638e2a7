#include "pg/event_lookup.h"

extern "C" {
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
}

#include "core/hex.h"
#include "pg/append_queue.h"
#include "pg/event_log.h"
#include "pg/ledger_triggers.h"
#include "pg/log_chain.h"
#include "pg/log_rows.h"
#include "pg/own_ledger.h"
#include "pg/user_scope.h"
#include "pg/uuid_ids.h"

namespace bulla {
namespace {

// The expressions are those of the index events_of_ledger (event_log.cpp).
#define LEDGER "(e.detail OPERATOR(pg_catalog.->>) 'ledger_id') COLLATE pg_catalog.\"C\""
#define ACTION "e.action COLLATE pg_catalog.\"C\""
#define CHAIN "(e.detail OPERATOR(pg_catalog.->>) 'chain') COLLATE pg_catalog.\"C\""
#define SEQ "((e.detail OPERATOR(pg_catalog.->>) 'seq')::pg_catalog.int8)"
#define COLUMNS CHAIN " AS chain, " SEQ " AS seq, e.occurred_at, e.role, e.detail, e.seq AS number"
#define OF_LEDGER                                                                 \
  "FROM bulla.events AS e WHERE " LEDGER " OPERATOR(pg_catalog.=) $1 AND " ACTION \
  " OPERATOR(pg_catalog.=) $2"
#define LAST_FIRST " ORDER BY " CHAIN " DESC, " SEQ " DESC, e.seq DESC LIMIT 1"

constexpr char kOfRow[] =
    "SELECT " COLUMNS " " OF_LEDGER " AND " CHAIN " OPERATOR(pg_catalog.=) $3 AND " SEQ
    " OPERATOR(pg_catalog.=) $4" LAST_FIRST;
constexpr char kLastOfChainAfter[] =
    "SELECT " COLUMNS " " OF_LEDGER " AND " CHAIN
    " OPERATOR(pg_catalog.=) $3 AND e.seq OPERATOR(pg_catalog.>) $4" LAST_FIRST;
constexpr char kAll[] = "SELECT " COLUMNS " " OF_LEDGER " ORDER BY " CHAIN ", " SEQ ", e.seq";
// From chain to chain by the index, one look-up each, however many events a chain has.
constexpr char kLastOfEachChain[] =
    "WITH RECURSIVE last AS ((SELECT " COLUMNS " " OF_LEDGER
    " AND e.seq OPERATOR(pg_catalog.<) $4 AND " CHAIN " IS NOT NULL" LAST_FIRST
    ") UNION ALL SELECT n.* FROM last CROSS JOIN LATERAL (SELECT " COLUMNS " " OF_LEDGER
    " AND e.seq OPERATOR(pg_catalog.<) $4 AND " CHAIN
    " OPERATOR(pg_catalog.<) last.chain" LAST_FIRST
    ") AS n) SELECT chain, seq, occurred_at, role, detail, number FROM last ORDER BY chain";

LoggedEvent* ReadEvent(HeapTuple row, TupleDesc columns) {
  auto* const event = static_cast<LoggedEvent*>(palloc0(sizeof(LoggedEvent)));
  Datum values[6];
  bool nulls[6];
  heap_deform_tuple(row, columns, values, nulls);
  event->chain = nulls[0] ? nullptr : TextDatumGetCString(values[0]);
  event->seq = nulls[1] ? -1 : DatumGetInt64(values[1]);
  event->occurred_at = DatumGetTimestampTz(values[2]);
  event->role = TextDatumGetCString(values[3]);
  event->detail = DatumGetJsonbPCopy(values[4]);
  event->number = DatumGetInt64(values[5]);
  return event;
}

// The arguments are ledger, action, chain and seq, as many as the query has.
List* Read(const char* query, const LedgerId& ledger, const char* action, const char* chain,
           int64 seq, int arguments) {
  if (!OidIsValid(OwnRelation("events"))) return NIL;
  FlushQueue();
  PushActiveSnapshot(GetLatestSnapshot());
  const MemoryContext memory = CurrentMemoryContext;
  const UserScope caller = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
  SPI_connect();
  Oid types[] = {TEXTOID, TEXTOID, TEXTOID, INT8OID};
  Datum values[] = {CStringGetTextDatum(IdText(ledger)), CStringGetTextDatum(action),
                    CStringGetTextDatum(chain), Int64GetDatum(seq)};
  if (SPI_execute_with_args(query, arguments, types, values, nullptr, true, 0) != SPI_OK_SELECT)
    elog(ERROR, "SPI failed to read bulla.events");
  const MemoryContext of_spi = MemoryContextSwitchTo(memory);
  List* events = NIL;
  for (uint64 i = 0; i < SPI_processed; ++i)
    events = lappend(events, ReadEvent(SPI_tuptable->vals[i], SPI_tuptable->tupdesc));
  MemoryContextSwitchTo(of_spi);
  SPI_finish();
  EndAs(caller);
  PopActiveSnapshot();
  return events;
}

const JsonbValue* FindField(const LoggedEvent* event, const char* name) {
  JsonbValue key;
  key.type = jbvString;
  key.val.string.val = const_cast<char*>(name);
  key.val.string.len = static_cast<int>(strlen(name));
  return findJsonbValueFromContainer(&event->detail->root, JB_FOBJECT, &key);
}

LoggedEvent* FirstOf(List* events) {
  return events == NIL ? nullptr : static_cast<LoggedEvent*>(linitial(events));
}

}  // namespace

LoggedEvent* FindEvent(const LedgerId& ledger, const char* action, const char* chain, int64 seq) {
  return FirstOf(Read(kOfRow, ledger, action, chain, seq, 4));
}

List* LastEventOfEachChain(const LedgerId& ledger, const char* action, int64 before) {
  return Read(kLastOfEachChain, ledger, action, "", before, 4);
}

LoggedEvent* FindLastEventAfter(const LedgerId& ledger, const char* action, const char* chain,
                                int64 number) {
  return FirstOf(Read(kLastOfChainAfter, ledger, action, chain, number, 4));
}

int64 SealedEvents() {
  const Oid events = OwnRelation("events");
  LogRow log;
  if (!OidIsValid(events) || !FindLog(&log)) return PG_INT64_MAX;
  const LogChain chain = NameLogChain(events, "");
  TreeRow tree;
  return FindTree(chain.ledger_id, chain.chain_id, &tree) ? static_cast<int64>(tree.size.value) : 0;
}

List* AllEvents(const LedgerId& ledger, const char* action) {
  return Read(kAll, ledger, action, "", 0, 2);
}

const char* DetailText(const LoggedEvent* event, const char* name) {
  const JsonbValue* const found = FindField(event, name);
  if (found == nullptr) return nullptr;
  switch (found->type) {
    case jbvString:
      return pnstrdup(found->val.string.val, found->val.string.len);
    case jbvNumeric:
      return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(found->val.numeric)));
    case jbvBool:
      return found->val.boolean ? "true" : "false";
    default:
      return nullptr;
  }
}

int64 DetailNumber(const LoggedEvent* event, const char* name, int64 otherwise) {
  const char* const text = DetailText(event, name);
  if (text == nullptr) return otherwise;
  char* end = nullptr;
  const int64 number = strtoll(text, &end, 10);
  return *end == '\0' && end != text ? number : otherwise;
}

List* DetailTexts(const LoggedEvent* event, const char* name) {
  const JsonbValue* const found = FindField(event, name);
  List* texts = NIL;
  if (found == nullptr || found->type != jbvBinary) return NIL;
  JsonbContainer* const array = found->val.binary.data;
  for (uint32 i = 0; JsonContainerIsArray(array) && i < JsonContainerSize(array); ++i) {
    const JsonbValue* const text = getIthJsonbValueFromContainer(array, i);
    if (text->type == jbvString)
      texts = lappend(texts, pnstrdup(text->val.string.val, text->val.string.len));
  }
  return texts;
}

bool DetailHash(const LoggedEvent* event, const char* name, LeafHash* hash) {
  const char* const text = DetailText(event, name);
  return text != nullptr && DecodeHex(text, hash->bytes);
}

int64 RecordedRetroactiveRows(const LedgerId& ledger) {
  int64 rows = 0;
  ListCell* cell;
  foreach (cell, AllEvents(ledger, "ledger.created")) {
    rows = Max(rows,
               DetailNumber(static_cast<const LoggedEvent*>(lfirst(cell)), "retroactive_rows", 0));
  }
  return rows;
}

}  // namespace bulla
