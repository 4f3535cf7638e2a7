#include "pg/refusal.h"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/timestamp.h"
}

#include "pg/event_log.h"
#include "pg/key_rows.h"

namespace bulla {
namespace {

const char* Action(Why why) {
  switch (why) {
    case Why::kNotGranted:
      return "key.decrypt_refused";
    case Why::kLost:
      return "key.records_lost";
    default:
      return "key.decrypt_failed";
  }
}

const char* TimeText(TimestampTz time) {
  return JsonEncodeDateTime(nullptr, TimestampTzGetDatum(time), TIMESTAMPTZOID, nullptr);
}

const char* IdText(const KeyId& key) {
  return DatumGetCString(DirectFunctionCall1(uuid_out, KeyIdDatum(key)));
}

// What both an event and a line of the log say, after what only one of them knows.
EventDetail& AddCommon(const Refusal& refusal, EventDetail& detail) {
  if (refusal.has_version) detail.Text("version_id", HexText(refusal.version.bytes));
  if (refusal.why != Why::kLost) detail.Text("reason", Name(refusal.why));
  detail.Number("count", refusal.count);
  if (refusal.count > 1) detail.Text("until", TimeText(refusal.last_at));
  return detail;
}

// The key by its name, where it is known by now.
void AddKey(const Refusal& refusal, EventDetail* detail) {
  KeyRow row = {};
  if (refusal.has_version)
    row = FindVersion(refusal.version);
  else if (refusal.has_key)
    row.found = FindKey(refusal.key, &row);
  if (!row.found) {
    if (refusal.has_key) detail->Text("key_id", IdText(refusal.key));
    return;
  }
  detail->Text("key", row.name).Text("key_id", IdText(IdOfKey(row)));
  if (refusal.has_version) detail->Number("version", row.version);
}

}  // namespace

const char* Name(Why why) {
  switch (why) {
    case Why::kNotGranted:
      return "not_granted";
    case Why::kMalformed:
      return "malformed";
    case Why::kUnknownVersion:
      return "unknown_version";
    case Why::kDisabled:
      return "disabled";
    case Why::kDestroyed:
      return "destroyed";
    case Why::kWrongPurpose:
      return "wrong_purpose";
    case Why::kUnavailable:
      return "unavailable";
    case Why::kDoesNotOpen:
      return "does_not_open";
    case Why::kLost:
      break;
  }
  return "lost";
}

bool IsSame(const Refusal& a, const Refusal& b) noexcept {
  if (a.database != b.database || a.why != b.why) return false;
  if (a.why == Why::kLost) return true;
  if (strcmp(NameStr(a.role), NameStr(b.role)) != 0) return false;
  if (strcmp(NameStr(a.session_role), NameStr(b.session_role)) != 0) return false;
  if (a.why == Why::kUnknownVersion) return true;
  return a.has_key == b.has_key && a.has_version == b.has_version && a.key == b.key &&
         a.version == b.version;
}

void Count(const Refusal& later, Refusal* entry) noexcept {
  entry->count += later.count;
  entry->last_at = Max(entry->last_at, later.last_at);
}

void RecordRefusal(const Refusal& refusal) {
  EventDetail detail;
  if (refusal.why == Why::kLost) {
    RecordEvent(Action(refusal.why), AddCommon(refusal, detail));
    return;
  }
  AddKey(refusal, &detail);
  RecordDeed(Action(refusal.why), AddCommon(refusal, detail),
             {TimeText(refusal.first_at), NameStr(refusal.role), NameStr(refusal.session_role)});
}

void LogRefusal(const Refusal& refusal) {
  EventDetail detail;
  if (refusal.has_key) detail.Text("key_id", IdText(refusal.key));
  const char* const line = EventDetail()
                               .Text("occurred_at", TimeText(refusal.first_at))
                               .Text("action", Action(refusal.why))
                               .Number("database", refusal.database)
                               .Text("role", NameStr(refusal.role))
                               .Text("session_role", NameStr(refusal.session_role))
                               .Object("detail", AddCommon(refusal, detail))
                               .Json();
  ereport(LOG_SERVER_ONLY,
          (errmsg_internal("bulla event: %s", line), errhidestmt(true), errhidecontext(true)));
}

}  // namespace bulla
