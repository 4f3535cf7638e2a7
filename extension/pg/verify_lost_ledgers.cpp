// VerifyLostLedgers: whether the ledgers that bulla.events and bulla.heads tell of are still there.

#include "pg/verify_ledger.h"

extern "C" {
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
}

#include "pg/own_ledger.h"
#include "pg/user_scope.h"

namespace bulla {
namespace {

// A ledger's triggers say that it is there; the event of bulla.drop_ledger, that it need not be.
#define EVENT_LEDGER "(e.detail OPERATOR(pg_catalog.->>) 'ledger_id') COLLATE pg_catalog.\"C\""
#define IS_LOST                                                                    \
  " WHERE i.id IS NOT NULL AND NOT EXISTS (SELECT FROM bulla.ledgers AS l WHERE"   \
  " l.id::pg_catalog.text OPERATOR(pg_catalog.=) i.id::pg_catalog.text)"           \
  " AND NOT EXISTS (SELECT FROM bulla.events AS e WHERE " EVENT_LEDGER             \
  " OPERATOR(pg_catalog.=) (i.id::pg_catalog.text COLLATE pg_catalog.\"C\") AND"   \
  " e.action COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.=) 'ledger.dropped' AND" \
  " NOT pg_catalog.jsonb_exists(e.detail, 'detached'))"

// Seq of the row that tells of it first, id and name, of each. From one id to the next in the index, however many rows
// each has.
constexpr char kLostOfEvents[] =
    "WITH RECURSIVE i (id) AS ((SELECT " EVENT_LEDGER " FROM bulla.events AS e WHERE " EVENT_LEDGER
    " IS NOT NULL ORDER BY " EVENT_LEDGER " LIMIT 1) UNION ALL SELECT (SELECT " EVENT_LEDGER
    " FROM bulla.events AS e WHERE " EVENT_LEDGER
    " OPERATOR(pg_catalog.>) i.id ORDER BY " EVENT_LEDGER
    " LIMIT 1) FROM i WHERE i.id IS NOT NULL)"
    " SELECT c.seq, i.id, c.detail OPERATOR(pg_catalog.->>) 'ledger' FROM i CROSS JOIN LATERAL"
    " (SELECT e.seq, e.detail FROM bulla.events AS e WHERE " EVENT_LEDGER
    " OPERATOR(pg_catalog.=) i.id AND e.action COLLATE pg_catalog.\"C\""
    " OPERATOR(pg_catalog.=) 'ledger.created' ORDER BY e.seq LIMIT 1) AS c" IS_LOST;
constexpr char kLostOfHeads[] =
    "WITH RECURSIVE i (id) AS ((SELECT h.ledger_id FROM bulla.heads AS h ORDER BY h.ledger_id"
    " LIMIT 1) UNION ALL SELECT (SELECT h.ledger_id FROM bulla.heads AS h WHERE h.ledger_id"
    " OPERATOR(pg_catalog.>) i.id ORDER BY h.ledger_id LIMIT 1) FROM i WHERE i.id IS NOT NULL)"
    " SELECT (SELECT pg_catalog.min(h.seq) FROM bulla.heads AS h WHERE h.ledger_id"
    " OPERATOR(pg_catalog.=) i.id), i.id::pg_catalog.text, NULL FROM i" IS_LOST;

void ReportRow(HeapTuple row, TupleDesc columns, ReportFinding report, void* state) {
  bool null;
  const int64 seq = DatumGetInt64(SPI_getbinval(row, columns, 1, &null));
  const char* const id = SPI_getvalue(row, columns, 2);
  const char* const name = SPI_getvalue(row, columns, 3);
  report(
      {"", &seq, "lost",
       psprintf("ledger %s%s%s is not in this database, and bulla.drop_ledger did not make it an "
                "ordinary table",
                name != nullptr ? name : "", name != nullptr ? " " : "", id)},
      state);
}

}  // namespace

void VerifyLostLedgers(Oid ledger, ReportFinding report, void* state) {
  const Oid events = OwnRelation("events");
  const bool of_events = ledger == events;
  if (!OidIsValid(events) || (!of_events && ledger != OwnRelation("heads"))) return;
  const UserScope caller = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
  PushActiveSnapshot(GetLatestSnapshot());
  SPI_connect();
  if (SPI_execute(of_events ? kLostOfEvents : kLostOfHeads, true, 0) != SPI_OK_SELECT)
    elog(ERROR, "SPI failed to read of which ledgers there are events");
  for (uint64 i = 0; i < SPI_processed; ++i)
    ReportRow(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, report, state);
  SPI_finish();
  PopActiveSnapshot();
  EndAs(caller);
}

}  // namespace bulla
