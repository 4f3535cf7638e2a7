#include "pg/refusals.h"

#include "pg/boundary.h"

extern "C" {
#include "access/htup_details.h"
#include "access/xact.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/timestamp.h"
}

#include "pg/audit_ring.h"

namespace bulla {
namespace {

// What goes to the log instead. The first of equal refusals is a line at once; the others of the same second and
// transaction are counted, and told by one more. A loop of failures cannot flood the log.
constexpr int kPlaces = 32;
AuditEntry told[kPlaces];  // count: those that were not told yet
int places = 0;
AuditEntry lost;  // as kLost

int64 noted = 0;  // by this session

void TellRest() {
  const int count = places;
  places = 0;  // whatever happens below: nothing is told twice
  for (int i = 0; i < count; ++i) {
    if (told[i].count > 0) LogEntry(told[i]);
  }
  if (count > 0 && lost.count > 0) LogEntry(lost);
  lost = {};
}

void Tell(const AuditEntry& refusal) {
  if (places > 0 && refusal.first_at - told[0].first_at >= USECS_PER_SEC) TellRest();
  for (int i = 0; i < places; ++i) {
    if (IsSame(told[i], refusal)) return Count(refusal, &told[i]);
  }
  if (places == kPlaces) {
    if (lost.count > 0) return Count(refusal, &lost);
    lost = refusal;
    lost.has_key = lost.has_version = false;
    lost.act = Act::kLost;
    return;
  }
  told[places] = refusal;
  told[places++].count = 0;
  LogEntry(refusal);
}

void OnTransactionEnd(XactEvent event, void*) {
  if (places == 0) return;
  switch (event) {
    case XACT_EVENT_PRE_COMMIT:
    case XACT_EVENT_PRE_PREPARE:
    case XACT_EVENT_PARALLEL_PRE_COMMIT:
    case XACT_EVENT_ABORT:
    case XACT_EVENT_PARALLEL_ABORT:
      TellRest();
      break;
    default:
      break;
  }
}

}  // namespace

void WatchRefusals() { RegisterXactCallback(OnTransactionEnd, nullptr); }

void NoteRefusal(Use use, Act act, const KeyId* key, const VersionId* version) {
  if (use != Use::kDecrypt) return;
  ++noted;
  AuditEntry refusal = NewAuditEntry(act);
  refusal.has_key = key != nullptr;
  if (key != nullptr) refusal.key = *key;
  refusal.has_version = version != nullptr;
  if (version != nullptr) refusal.version = *version;
  if (!KeepEntry(refusal).awaited) Tell(refusal);
}

BULLA_FUNCTION(bulla_open_failures);
Datum bulla_open_failures(PG_FUNCTION_ARGS) {
  TupleDesc columns;
  if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "bulla.open_failures must return a row");
  Datum values[] = {Int64GetDatum(noted), Int64GetDatum(EntriesWaiting(MyDatabaseId)),
                    Int64GetDatum(EntriesLost())};
  bool nulls[lengthof(values)] = {};
  return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls));
}

}  // namespace bulla
