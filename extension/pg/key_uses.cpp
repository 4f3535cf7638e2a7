#include "pg/key_uses.h"

extern "C" {
#include "access/xact.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
}

#include "pg/audit_entry.h"
#include "pg/audit_ring.h"
#include "pg/settings.h"

namespace bulla {
namespace {

// What the current statement used, by whom and under which names: entry.count is what was not told yet.
struct Using {
  Oid user;
  Oid session_user;
  AuditEntry entry;
};
constexpr int kPlaces = 32;
Using uses[kPlaces];
int places = 0;
TimestampTz told_at = 0;

int ClippedLength(const char* text, int room) {
  const int length = static_cast<int>(strlen(text));
  return length < room ? length : pg_mbcliplen(text, length, room - 1);
}

bool IsClipOf(const char* clip, const char* text, int room) {
  const int length = ClippedLength(text, room);
  return strncmp(clip, text, length) == 0 && clip[length] == '\0';
}

const char* ApplicationName() { return application_name == nullptr ? "" : application_name; }
const char* Actor() { return actor == nullptr ? "" : actor; }

bool IsOf(const Using& place, Act act, const VersionId& version) {
  const AuditEntry& entry = place.entry;
  return entry.act == act && entry.version == version && place.user == GetUserId() &&
         place.session_user == GetSessionUserId() && IsClipOf(entry.actor, Actor(), kActorRoom) &&
         IsClipOf(NameStr(entry.application), ApplicationName(), NAMEDATALEN);
}

void Tell(const AuditEntry& entry) {
  const Kept kept = KeepEntry(entry);
  if (!kept.in_ring || !kept.awaited) LogEntry(entry);
}

void TellRest() {
  told_at = GetCurrentTimestamp();
  for (int i = 0; i < places; ++i) {
    AuditEntry& entry = uses[i].entry;
    if (entry.count == 0) continue;
    const AuditEntry rest = entry;
    entry.count = entry.statements = 0;  // whatever happens below: nothing is told twice
    Tell(rest);
  }
}

Using* FindPlace(Act act, const VersionId& version) {
  for (int i = 0; i < places; ++i) {
    if (IsOf(uses[i], act, version)) return &uses[i];
  }
  return nullptr;
}

void Begin(Act act, const KeyId& key, const VersionId& version, TimestampTz statement_at) {
  if (places == kPlaces) {
    TellRest();
    places = 0;
  }
  AuditEntry entry = NewAuditEntry(act);
  entry.has_key = entry.has_version = true;
  entry.key = key;
  entry.version = version;
  memcpy(NameStr(entry.application), ApplicationName(),
         ClippedLength(ApplicationName(), NAMEDATALEN));
  memcpy(entry.actor, Actor(), ClippedLength(Actor(), kActorRoom));
  entry.statement_at = statement_at;
  entry.statements = 1;
  Tell(entry);
  entry.count = entry.statements = 0;
  uses[places++] = {GetUserId(), GetSessionUserId(), entry};
}

// Whoever is served when the transaction is over: what came in after the callback below, if anything.
void TellAtExit(int, Datum) { TellRest(); }

void OnTransactionEnd(XactEvent event, void*) {
  if (places == 0) return;
  switch (event) {
    case XACT_EVENT_PRE_COMMIT:
    case XACT_EVENT_PRE_PREPARE:
    case XACT_EVENT_ABORT:
      TellRest();
      break;
    default:
      break;  // parallel workers open nothing
  }
}

}  // namespace

void WatchKeyUses() { RegisterXactCallback(OnTransactionEnd, nullptr); }

void NoteUse(Use use, const KeyId& key, const VersionId& version) {
  static bool arranged = false;
  if (!arranged) before_shmem_exit(TellAtExit, Datum{0});
  arranged = true;

  const Act act = use == Use::kDecrypt ? Act::kDecrypted : Act::kOpenedInside;
  const TimestampTz statement_at = GetCurrentStatementStartTimestamp();
  const TimestampTz now = GetCurrentTimestamp();
  const bool goes_on = places > 0 && uses[0].entry.statement_at == statement_at;
  if (!goes_on || now - told_at >= USECS_PER_SEC) TellRest();
  if (!goes_on) places = 0;
  Using* const place = FindPlace(act, version);
  if (place == nullptr) return Begin(act, key, version, statement_at);
  if (place->entry.count++ == 0) place->entry.first_at = now;
  place->entry.last_at = now;
}

}  // namespace bulla
