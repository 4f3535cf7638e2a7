// SQL functions that grant the use of keys, and triggers that keep grants in step with roles.

#include "pg/boundary.h"

extern "C" {
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
}

#include "pg/arguments.h"
#include "pg/emergency.h"
#include "pg/event_log.h"
#include "pg/key_grants.h"
#include "pg/key_rows.h"
#include "pg/uuid_ids.h"

namespace bulla {
namespace {

constexpr int kGranteeColumn = 2;  // of bulla.key_grants

struct Grant {
  const char* key_name;
  const char* role_name;
  Oid grantee;
  Use use;
  KeyId key;
};

Use UseArgument(FunctionCallInfo fcinfo, int argument) {
  const char* const name = CStringArgument(fcinfo, argument, "use");
  for (const Use use : {Use::kEncrypt, Use::kDecrypt, Use::kIndex})
    if (strcmp(name, Name(use)) == 0) return use;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown use of a key"),
                  errhint("Allowed: encrypt, decrypt, index.")));
}

// What a key of this purpose can be granted for; nullptr for nothing.
const char* UsesOf(const char* purpose) {
  if (strcmp(purpose, "index") == 0) return "index";
  return strcmp(purpose, "encrypt") == 0 ? "encrypt, decrypt" : nullptr;
}

Grant ReadArguments(FunctionCallInfo fcinfo, const char* function) {
  PreventCommandIfReadOnly(function);
  PreventCommandIfParallelMode(function);
  Grant grant = {};
  grant.key_name = CStringArgument(fcinfo, 0, "name");
  RefuseNull(fcinfo, 1, "role");
  grant.role_name = reinterpret_cast<const NameData*>(PG_GETARG_POINTER(1))->data;
  grant.use = UseArgument(fcinfo, 2);
  grant.grantee = get_role_oid_or_public(grant.role_name);
  const KeyRow key = LockKey(grant.key_name);
  grant.key = IdOfKey(key);
  const char* const allowed = UsesOf(key.purpose);
  if (allowed == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("key \"%s\" has purpose %s: Bulla alone uses it", grant.key_name,
                           key.purpose)));
  }
  if (strstr(allowed, Name(grant.use)) == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("key \"%s\" has purpose %s: nobody can use it to %s", grant.key_name,
                           key.purpose, Name(grant.use)),
                    errhint("Allowed: %s.", allowed)));
  }
  return grant;
}

void Record(const char* action, const Grant& grant) {
  RecordEvent(action, EventDetail()
                          .Text("key", grant.key_name)
                          .Text("key_id", IdText(grant.key))
                          .Text("role", grant.role_name)
                          .Text("use", Name(grant.use)));
}

}  // namespace

BULLA_FUNCTION(bulla_grant_key);
Datum bulla_grant_key(PG_FUNCTION_ARGS) {
  RequireNotRestricted(Restriction::kReadOnly);
  const Grant grant = ReadArguments(fcinfo, "bulla.grant_key()");
  if (AddGrant(grant.key, grant.grantee, grant.use)) Record("key.granted", grant);
  PG_RETURN_VOID();
}

BULLA_FUNCTION(bulla_revoke_key);
Datum bulla_revoke_key(PG_FUNCTION_ARGS) {
  const Grant grant = ReadArguments(fcinfo, "bulla.revoke_key()");
  if (RemoveGrant(grant.key, grant.grantee, grant.use)) {
    Record("key.revoked", grant);
  } else {
    ereport(WARNING, (errmsg("role \"%s\" was not granted to %s with key \"%s\"", grant.role_name,
                             Name(grant.use), grant.key_name),
                      errhint("It may be a member of a role that was, or everybody was: see "
                              "bulla.key_privileges.")));
  }
  PG_RETURN_VOID();
}

// Whoever changes the table: a restore copies rows into it.
BULLA_FUNCTION(bulla_follow_grants);
Datum bulla_follow_grants(PG_FUNCTION_ARGS) {
  if (!CALLED_AS_TRIGGER(fcinfo)) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("this function must be called as a trigger")));
  }
  const auto* const trigger = reinterpret_cast<const TriggerData*>(fcinfo->context);
  CommandCounterIncrement();  // the rows changed by now are looked at
  for (const HeapTuple row : {trigger->tg_trigtuple, trigger->tg_newtuple}) {
    if (row != nullptr)
      DependOnGrantee(DatumGetObjectId(ColumnOf(row, trigger->tg_relation, kGranteeColumn)));
  }
  return PointerGetDatum(nullptr);
}

// Before the command does what it does. Where it is refused, this is rolled back with it.
BULLA_FUNCTION(bulla_follow_drop_owned);
Datum bulla_follow_drop_owned(PG_FUNCTION_ARGS) {
  const auto* const data = reinterpret_cast<const EventTriggerData*>(fcinfo->context);
  if (!CALLED_AS_EVENT_TRIGGER(fcinfo) || !IsA(data->parsetree, DropOwnedStmt)) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("this function must be called as an event trigger of DROP OWNED"),
                    errhint("CREATE EXTENSION bulla makes the event trigger.")));
  }
  ListCell* cell;
  foreach (cell, reinterpret_cast<const DropOwnedStmt*>(data->parsetree)->roles) {
    const Oid role = get_rolespec_oid(static_cast<RoleSpec*>(lfirst(cell)), true);
    if (OidIsValid(role)) RemoveGrantsOf(role);
  }
  PG_RETURN_NULL();
}

}  // namespace bulla
