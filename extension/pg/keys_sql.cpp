// The SQL function that makes keys, and the trigger that keeps caches of them honest.

#include "pg/boundary.h"

extern "C" {
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/uuid.h"
}

#include "kms/system_random.h"
#include "pg/arguments.h"
#include "pg/emergency.h"
#include "pg/event_log.h"
#include "pg/key_changes.h"
#include "pg/message_budget.h"
#include "pg/user_scope.h"
#include "pg/versions.h"
#include "pg/wrapped_version.h"

namespace bulla {
namespace {

constexpr size_t kMaxNameSize = 128;

Result<KeyId> NewKeyId(Random& random) {
  KeyId id;
  if (auto filled = random.Fill(id.bytes); !filled.ok()) return filled.error();
  id.bytes[6] = (id.bytes[6] & std::byte{0x0F}) | std::byte{0x40};  // RFC 9562: version 4
  id.bytes[8] = (id.bytes[8] & std::byte{0x3F}) | std::byte{0x80};
  return id;
}

void Execute(const char* statement, int count, Oid* types, Datum* values) {
  if (SPI_execute_with_args(statement, count, types, values, nullptr, false, 0) < 0)
    elog(ERROR, "SPI failed on: %s", statement);
}

void RefuseExisting(const char* name) {
  Oid types[] = {TEXTOID};
  Datum values[] = {CStringGetTextDatum(name)};
  Execute("SELECT 1 FROM bulla.key_names WHERE name = $1", 1, types, values);
  if (SPI_processed > 0) {
    ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT), errmsg("key \"%s\" exists already", name),
                    errhint("bulla.keys lists the keys.")));
  }
}

void Store(const WrappedVersion& made, const char* name, const char* purpose, const char* algorithm,
           const char* created_by) {
  Oid types[] = {UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID};
  Datum values[] = {KeyIdDatum(made.version.key), CStringGetTextDatum(name),
                    CStringGetTextDatum(purpose), CStringGetTextDatum(algorithm),
                    CStringGetTextDatum(created_by)};
  Execute(
      "INSERT INTO bulla.key_names (key_id, name, purpose, algorithm, created_by) VALUES ($1, $2, "
      "$3, $4, $5)",
      5, types, values);
  InsertVersion(made);
}

}  // namespace

BULLA_FUNCTION(bulla_create_key);
Datum bulla_create_key(PG_FUNCTION_ARGS) {
  RequireNotRestricted(Restriction::kNoNewKeys);
  RequireNotRestricted(Restriction::kReadOnly);
  const char* const name = CStringArgument(fcinfo, 0, "name");
  const char* const purpose = CStringArgument(fcinfo, 1, "purpose");
  // Null for the one that keys of the purpose are made with.
  const char* const algorithm_wanted =
      PG_ARGISNULL(2) ? nullptr : CStringArgument(fcinfo, 2, "algorithm");
  if (*name == '\0' || strlen(name) > kMaxNameSize) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("a key's name must have 1 to %zu bytes, this one has %zu", kMaxNameSize,
                           strlen(name))));
  }

  const KeyVersion version = Enter([&]() -> Result<KeyVersion> {
    const auto parsed_purpose = ParsePurpose(purpose);
    if (!parsed_purpose.ok()) return parsed_purpose.error();
    const auto parsed_algorithm = algorithm_wanted == nullptr
                                      ? DefaultAlgorithm(parsed_purpose.value())
                                      : ParseAlgorithm(algorithm_wanted, parsed_purpose.value());
    if (!parsed_algorithm.ok()) return parsed_algorithm.error();
    const auto key = NewKeyId(SystemRandom::Instance());
    if (!key.ok()) return key.error();
    return KeyVersion{key.value(), 1, parsed_algorithm.value(), parsed_purpose.value()};
  });
  const WrappedVersion made = MakeWrappedVersion(version);

  const char* const algorithm = Name(made.version.algorithm).data();
  const char* const created_by = GetUserNameFromId(GetUserId(), false);
  const UserScope caller = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
  SPI_connect();
  RefuseExisting(name);
  Store(made, name, purpose, algorithm, created_by);
  SPI_finish();
  EndAs(caller);
  const Datum id = KeyIdDatum(made.version.key);
  RecordEvent("key.created",
              EventDetail()
                  .Text("key", name)
                  .Text("key_id", DatumGetCString(DirectFunctionCall1(uuid_out, id)))
                  .Number("version", 1)
                  .Text("purpose", purpose)
                  .Text("algorithm", algorithm)
                  .Bytes("commitment", made.commitment.bytes.data(), made.commitment.bytes.size())
                  .Text("kek_id", made.kek_id));
  return id;
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
