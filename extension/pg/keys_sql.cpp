// The SQL function that makes keys, and the trigger that keeps caches of them honest.

#include "pg/boundary.h"

extern "C" {
#include "commands/trigger.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/uuid.h"
}

#include "pg/arguments.h"
#include "pg/emergency.h"
#include "pg/make_key.h"
#include "pg/message_budget.h"
#include "pg/versions.h"

namespace bulla {

BULLA_FUNCTION(bulla_create_key);
Datum bulla_create_key(PG_FUNCTION_ARGS) {
  RequireNotRestricted(Restriction::kNoNewKeys);
  RequireNotRestricted(Restriction::kReadOnly);
  const char* const name = CStringArgument(fcinfo, 0, "name");
  const char* const purpose = CStringArgument(fcinfo, 1, "purpose");
  // Null for the one that keys of the purpose are made with.
  const char* const algorithm = PG_ARGISNULL(2) ? nullptr : CStringArgument(fcinfo, 2, "algorithm");
  struct Wanted {
    Purpose purpose;
    Algorithm algorithm;
  };
  const Wanted wanted = Enter([&]() -> Result<Wanted> {
    const auto parsed_purpose = ParsePurpose(purpose);
    if (!parsed_purpose.ok()) return parsed_purpose.error();
    const auto parsed_algorithm = algorithm == nullptr
                                      ? DefaultAlgorithm(parsed_purpose.value())
                                      : ParseAlgorithm(algorithm, parsed_purpose.value());
    if (!parsed_algorithm.ok()) return parsed_algorithm.error();
    return Wanted{parsed_purpose.value(), parsed_algorithm.value()};
  });
  return UUIDPGetDatum(MakeKey(name, wanted.purpose, wanted.algorithm));
}

BULLA_FUNCTION(bulla_messages_sealed);
Datum bulla_messages_sealed(PG_FUNCTION_ARGS) {
  const bytea* const given = PG_GETARG_BYTEA_PP(0);
  VersionId version;
  if (VARSIZE_ANY_EXHDR(given) != sizeof version.bytes) PG_RETURN_NULL();
  memcpy(version.bytes.data(), VARDATA_ANY(given), sizeof version.bytes);
  const int64 count = MessageCount(version);
  if (count < 0) PG_RETURN_NULL();
  PG_RETURN_INT64(count);
}

BULLA_FUNCTION(bulla_keys_changed);
Datum bulla_keys_changed(PG_FUNCTION_ARGS) {
  if (!CALLED_AS_TRIGGER(fcinfo)) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("this function must be called as a trigger")));
  }
  // Whichever key table changed: backends watch the one.
  const auto* const trigger = reinterpret_cast<const TriggerData*>(fcinfo->context);
  const Oid schema = RelationGetNamespace(trigger->tg_relation);
  CacheInvalidateRelcacheByRelid(get_relname_relid("key_versions", schema));
  return PointerGetDatum(nullptr);
}

}  // namespace bulla
