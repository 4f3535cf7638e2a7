#include "pg/audit_entry.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
}

#include "pg/event_log.h"
#include "pg/key_rows.h"
#include "pg/uuid_ids.h"

namespace bulla {
namespace {

const char* Action(Act act) {
  switch (act) {
    case Act::kDecrypted:
    case Act::kOpenedInside:
      return "key.used";
    case Act::kNotGranted:
    case Act::kForbidden:
      return "key.decrypt_refused";
    case Act::kWrongCode:
      return "emergency.wrong_code";
    case Act::kLost:
      return "key.records_lost";
    default:
      return "key.decrypt_failed";
  }
}

// As events say it; nullptr for what needs no reason.
const char* Reason(Act act) {
  switch (act) {
    case Act::kNotGranted:
      return "not_granted";
    case Act::kForbidden:
      return "emergency";
    case Act::kMalformed:
      return "malformed";
    case Act::kUnknownVersion:
      return "unknown_version";
    case Act::kDisabled:
      return "disabled";
    case Act::kDestroyed:
      return "destroyed";
    case Act::kWrongPurpose:
      return "wrong_purpose";
    case Act::kUnavailable:
      return "unavailable";
    case Act::kDoesNotOpen:
      return "does_not_open";
    default:
      return nullptr;
  }
}

const char* TimeText(TimestampTz time) {
  return JsonEncodeDateTime(nullptr, TimestampTzGetDatum(time), TIMESTAMPTZOID, nullptr);
}

void AddUse(const AuditEntry& entry, EventDetail* detail) {
  detail->Text("use", entry.act == Act::kDecrypted ? "decrypt" : "internal")
      .Text("application_name", NameStr(entry.application));
  if (entry.actor[0] != '\0') detail->Text("actor", entry.actor);
  detail->Text("statement_at", TimeText(entry.statement_at)).Number("statements", entry.statements);
}

// What both an event and a line of the log say, after what only one of them knows.
EventDetail& AddCommon(const AuditEntry& entry, EventDetail& detail) {
  if (entry.has_version) detail.Text("version_id", HexText(entry.version.bytes));
  if (const char* const reason = Reason(entry.act)) detail.Text("reason", reason);
  if (entry.act == Act::kWrongCode) detail.Number("attempt", entry.attempt);
  if (IsUse(entry.act)) AddUse(entry, &detail);
  detail.Number("count", entry.count);
  if (entry.count > 1) detail.Text("until", TimeText(entry.last_at));
  return detail;
}

// The key by its name, where it is known by now.
void AddKey(const AuditEntry& entry, EventDetail* detail) {
  KeyRow row = {};
  if (entry.has_version)
    row = FindVersion(entry.version);
  else if (entry.has_key)
    row.found = FindKey(entry.key, &row);
  if (!row.found) {
    if (entry.has_key) detail->Text("key_id", IdText(entry.key));
    return;
  }
  detail->Text("key", row.name).Text("key_id", IdText(IdOfKey(row)));
  if (entry.has_version) detail->Number("version", row.version);
}

// The name, or the number of a role that was dropped meanwhile.
void CopyRoleName(Oid role, NameData* name) {
  const HeapTuple tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
  if (!HeapTupleIsValid(tuple)) {
    snprintf(NameStr(*name), NAMEDATALEN, "%u", role);
    return;
  }
  *name = reinterpret_cast<Form_pg_authid>(GETSTRUCT(tuple))->rolname;
  ReleaseSysCache(tuple);
}

bool SameName(const NameData& a, const NameData& b) noexcept {
  return strcmp(NameStr(a), NameStr(b)) == 0;
}

bool SameKey(const AuditEntry& a, const AuditEntry& b) noexcept {
  return a.has_key == b.has_key && a.has_version == b.has_version && a.key == b.key &&
         a.version == b.version;
}

}  // namespace

bool IsUse(Act act) noexcept { return act == Act::kDecrypted || act == Act::kOpenedInside; }

AuditEntry NewAuditEntry(Act act) {
  AuditEntry entry = {};
  entry.database = MyDatabaseId;
  CopyRoleName(GetUserId(), &entry.role);
  CopyRoleName(GetSessionUserId(), &entry.session_role);
  entry.act = act;
  entry.first_at = entry.last_at = GetCurrentTimestamp();
  entry.count = 1;
  return entry;
}

bool IsSame(const AuditEntry& a, const AuditEntry& b) noexcept {
  if (a.database != b.database || a.act != b.act) return false;
  if (a.act == Act::kLost) return true;
  if (!SameName(a.role, b.role) || !SameName(a.session_role, b.session_role)) return false;
  if (a.act == Act::kUnknownVersion) return true;
  return SameKey(a, b) && SameName(a.application, b.application) && strcmp(a.actor, b.actor) == 0;
}

void Count(const AuditEntry& later, AuditEntry* entry) noexcept {
  entry->count += later.count;
  entry->statements += later.statements;
  entry->attempt = Max(entry->attempt, later.attempt);
  entry->last_at = Max(entry->last_at, later.last_at);
}

void RecordEntry(const AuditEntry& entry) {
  EventDetail detail;
  if (entry.act == Act::kLost) {
    RecordEvent(Action(entry.act), AddCommon(entry, detail));
    return;
  }
  AddKey(entry, &detail);
  RecordDeed(Action(entry.act), AddCommon(entry, detail),
             {TimeText(entry.first_at), NameStr(entry.role), NameStr(entry.session_role)});
}

void LogEntry(const AuditEntry& entry) {
  EventDetail detail;
  if (entry.has_key) detail.Text("key_id", IdText(entry.key));
  const char* const line = EventDetail()
                               .Text("occurred_at", TimeText(entry.first_at))
                               .Text("action", Action(entry.act))
                               .Number("database", entry.database)
                               .Text("role", NameStr(entry.role))
                               .Text("session_role", NameStr(entry.session_role))
                               .Object("detail", AddCommon(entry, detail))
                               .Json();
  ereport(LOG_SERVER_ONLY,
          (errmsg_internal("bulla event: %s", line), errhidestmt(true), errhidecontext(true)));
}

}  // namespace bulla
