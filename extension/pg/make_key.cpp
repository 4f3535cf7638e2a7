#include "pg/make_key.h"

extern "C" {
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
}

#include "kms/system_random.h"
#include "pg/boundary.h"
#include "pg/emergency.h"
#include "pg/event_log.h"
#include "pg/key_changes.h"
#include "pg/user_scope.h"
#include "pg/uuid_ids.h"
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

void CheckName(const char* name) {
  if (*name != '\0' && strlen(name) <= kMaxNameSize) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("a key's name must have 1 to %zu bytes, this one has %zu", kMaxNameSize,
                         strlen(name))));
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

void Store(const WrappedVersion& made, const char* name, const char* created_by) {
  Oid types[] = {UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID};
  Datum values[] = {IdDatum(made.version.key), CStringGetTextDatum(name),
                    CStringGetTextDatum(Name(made.version.purpose).data()),
                    CStringGetTextDatum(Name(made.version.algorithm).data()),
                    CStringGetTextDatum(created_by)};
  Execute(
      "INSERT INTO bulla.key_names (key_id, name, purpose, algorithm, created_by) VALUES ($1, $2, "
      "$3, $4, $5)",
      5, types, values);
  InsertVersion(made);
}

}  // namespace

pg_uuid_t* MakeKey(const char* name, Purpose purpose, Algorithm algorithm) {
  RequireNotRestricted(Restriction::kNoNewKeys);
  RequireNotRestricted(Restriction::kReadOnly);
  CheckName(name);
  const KeyId key = Enter([] { return NewKeyId(SystemRandom::Instance()); });
  const WrappedVersion made = MakeWrappedVersion({key, 1, algorithm, purpose});
  const char* const created_by = GetUserNameFromId(GetUserId(), false);
  const UserScope caller = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
  SPI_connect();
  RefuseExisting(name);
  Store(made, name, created_by);
  SPI_finish();
  EndAs(caller);
  pg_uuid_t* const id = DatumGetUUIDP(IdDatum(made.version.key));
  RecordEvent("key.created",
              EventDetail()
                  .Text("key", name)
                  .Text("key_id", DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(id))))
                  .Number("version", 1)
                  .Text("purpose", Name(purpose).data())
                  .Text("algorithm", Name(algorithm).data())
                  .Bytes("commitment", made.commitment.bytes.data(), made.commitment.bytes.size())
                  .Text("kek_id", made.kek_id));
  return id;
}

}  // namespace bulla
