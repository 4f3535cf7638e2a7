// SQL functions that begin and end emergency mode.

#include "pg/boundary.h"

extern "C" {
#include "commands/trigger.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/inval.h"
#include "utils/rel.h"
}

#include "core/emergency_code.h"
#include "kms/system_random.h"
#include "pg/arguments.h"
#include "pg/audit_entry.h"
#include "pg/audit_ring.h"
#include "pg/emergency.h"
#include "pg/emergency_attempts.h"
#include "pg/emergency_row.h"
#include "pg/event_log.h"
#include "pg/key_tables.h"
#include "pg/transaction_events.h"
#include "pg/value_bytes.h"

namespace bulla {
namespace {

bool Contains(List* names, const char* name) {
  ListCell* cell;
  foreach (cell, names)
    if (strcmp(static_cast<const char*>(lfirst(cell)), name) == 0) return true;
  return false;
}

void CheckRestrictions(List* restrictions) {
  ListCell* cell;
  foreach (cell, restrictions) {
    const auto* const name = static_cast<const char*>(lfirst(cell));
    bool known = false;
    for (const char* const allowed : kRestrictionNames) known |= strcmp(name, allowed) == 0;
    if (known) continue;
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown restriction \"%s\"", name),
             errhint("Allowed: no_new_keys, no_exports, no_decrypt, no_encrypt, "
                     "read_only.")));
  }
  if (restrictions != NIL) return;
  ereport(ERROR,
          (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("restrictions must name at least one"),
           errhint("Allowed: no_new_keys, no_exports, no_decrypt, no_encrypt, read_only.")));
}

// Each once, in the order that documents have.
List* Union(List* a, List* b) {
  List* both = NIL;
  for (const char* const name : kRestrictionNames)
    if (Contains(a, name) || Contains(b, name)) both = lappend(both, const_cast<char*>(name));
  return both;
}

void RecordEnabled(const char* reason, List* restrictions) {
  RecordEvent("emergency.enabled",
              EventDetail().Text("reason", reason).Texts("restrictions", restrictions));
}

// Returns its code.
text* Begin(const char* reason, List* restrictions) {
  auto* const code = static_cast<text*>(palloc(VARHDRSZ + kEmergencyCodeSize));
  SET_VARSIZE(code, VARHDRSZ + kEmergencyCodeSize);
  const std::span<char, kEmergencyCodeSize> digits(VARDATA(code), kEmergencyCodeSize);
  const Sha256Digest digest =
      Enter([&] { return MakeEmergencyCode(SystemRandom::Instance(), digits); });
  ForgetAttempts();
  InsertEmergency({reason, restrictions, digest});
  RecordEnabled(reason, restrictions);
  return code;
}

// Where somebody began it before: nobody's code but his ends it, so it can only become stricter.
void Extend(const EmergencyRow& emergency, const char* reason, List* restrictions) {
  List* const all = Union(emergency.restrictions, restrictions);
  SetRestrictions(all);
  RecordEnabled(reason, all);
  ereport(NOTICE, (errmsg("emergency mode was on already; the restrictions were added"),
                   errhint("The code that was returned when it began ends it.")));
}

// What goes wrong while the argument is here must not put it into the server's log.
void HideStatement(void*) { errhidestmt(true); }

bool IsCode(const EmergencyRow& emergency, std::string_view typed) {
  return Enter([&]() -> Result<bool> {
    const auto digest = DigestOfEmergencyCode(typed);
    return digest.has_value() && SameDigest(*digest, emergency.code);
  });
}

const EmergencyRow& CurrentEmergency() {
  const EmergencyRow* const emergency = ReadEmergency();
  if (emergency == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("emergency mode is not on")));
  }
  return *emergency;
}

// Where shared memory takes it the event outlives a rollback. Else it goes where the transaction goes; the line in
// the log and the count stay.
void RecordWrongCode(int64 attempt) {
  AuditEntry entry = NewAuditEntry(Act::kWrongCode);
  entry.attempt = attempt;
  if (!KeepEntry(entry).in_ring) RecordEntry(entry);
}

void TellWrongCode(int64 attempt) {
  RecordWrongCode(attempt);
  const char* const role = GetUserNameFromId(GetSessionUserId(), true);
  ereport(LOG, (errmsg("wrong code for ending emergency mode: attempt %lld, by role \"%s\"",
                       static_cast<long long>(attempt), role == nullptr ? "" : role)));
  ereport(WARNING, (errmsg("this is not the code that ends emergency mode"),
                    errdetail("Attempt %lld since it began or was last ended with the right one.",
                              static_cast<long long>(attempt)),
                    errhint("It is what bulla.enable_emergency_mode returned. From the fourth "
                            "attempt on each is made to wait, up to 30 seconds.")));
}

// Whoever holds the lock may have ended it or begun another.
bool EndWith(std::string_view code) {
  if (!IsCode(CurrentEmergency(), code)) return false;
  LockEmergency();
  const EmergencyRow& emergency = CurrentEmergency();
  if (!IsCode(emergency, code)) return false;
  DeleteEmergency();
  CommitDurably();
  RecordEvent(
      "emergency.disabled",
      EventDetail().Text("reason", emergency.reason).Texts("restrictions", emergency.restrictions));
  ForgetAttempts();
  return true;
}

}  // namespace

BULLA_FUNCTION(bulla_enable_emergency_mode);
Datum bulla_enable_emergency_mode(PG_FUNCTION_ARGS) {
  PreventCommandIfReadOnly("bulla.enable_emergency_mode()");
  PreventCommandIfParallelMode("bulla.enable_emergency_mode()");
  const char* const reason = ReasonArgument(fcinfo, 0);
  RefuseNull(fcinfo, 1, "restrictions");
  List* const named = TextList(PG_GETARG_ARRAYTYPE_P(1), "restrictions");
  CheckRestrictions(named);
  List* const restrictions = Union(named, NIL);
  LockEmergency();
  CommitDurably();
  const EmergencyRow* const emergency = ReadEmergency();
  if (emergency == nullptr) PG_RETURN_TEXT_P(Begin(reason, restrictions));
  Extend(*emergency, reason, restrictions);
  PG_RETURN_NULL();
}

BULLA_FUNCTION(bulla_disable_emergency_mode);
Datum bulla_disable_emergency_mode(PG_FUNCTION_ARGS) {
  ErrorContextCallback hiding = {error_context_stack, HideStatement, nullptr};
  error_context_stack = &hiding;
  PreventCommandIfReadOnly("bulla.disable_emergency_mode()");
  PreventCommandIfParallelMode("bulla.disable_emergency_mode()");
  RefuseNull(fcinfo, 0, "verification_code");
  const std::string_view code = ValueBytes(PG_GETARG_DATUM(0));
  CurrentEmergency();
  const int64 attempt = BeginAttempt();
  const bool ended = EndWith(code);
  if (!ended) TellWrongCode(attempt);
  error_context_stack = hiding.previous;
  PG_RETURN_BOOL(ended);
}

// Bulla's own functions fire no trigger: whoever fires it wrote to the table himself.
BULLA_FUNCTION(bulla_emergency_changed);
Datum bulla_emergency_changed(PG_FUNCTION_ARGS) {
  const auto* const trigger = reinterpret_cast<const TriggerData*>(fcinfo->context);
  // Everybody may name the function in a trigger of his own.
  if (!CALLED_AS_TRIGGER(fcinfo) ||
      RelationGetRelid(trigger->tg_relation) != KeyTable("emergency")) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("this function must be called as the trigger of bulla.emergency")));
  }
  CacheInvalidateRelcacheByRelid(KeyTable("key_versions"));
  const char* const operation = TRIGGER_FIRED_BY_DELETE(trigger->tg_event)   ? "DELETE"
                                : TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? "UPDATE"
                                                                             : "TRUNCATE";
  // Rows come in when a dump is restored, before bulla.events does.
  if (!TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
    RecordEvent("emergency.changed", EventDetail().Text("operation", operation));
  return PointerGetDatum(nullptr);
}

}  // namespace bulla
