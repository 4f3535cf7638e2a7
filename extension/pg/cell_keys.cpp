#include "pg/cell_keys.h"

extern "C" {
#include "access/table.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
}

#include "core/base64.h"
#include "core/envelope.h"
#include "core/key_state.h"
#include "pg/key_tables.h"

namespace bulla {
namespace {

// The header of an envelope is 18 bytes: just 24 characters.
constexpr size_t kHeaderText = Base64UrlSize(kEnvelopeHeaderSize);
static_assert(kEnvelopeHeaderSize % 3 == 0);

constexpr size_t kVersionAt = 2;

// Calls `read` with the table and the one row whose column equals `value`, or does nothing.
template <class Read>
void ReadRow(const char* name, const char* index, AttrNumber column, RegProcedure equals,
             Datum value, Read read) {
  const Relation table = table_open(KeyTable(name), AccessShareLock);
  const SysScanDesc scan = BeginKeyScan(table, index, column, equals, value);
  const HeapTuple row = systable_getnext(scan);
  if (HeapTupleIsValid(row)) read(table, row);
  systable_endscan(scan);
  table_close(table, AccessShareLock);
}

}  // namespace

const char* NameOfKey(const pg_uuid_t& key) {
  const char* name = nullptr;
  ReadRow("key_names", "key_names_pkey", kNamesKeyId, F_UUID_EQ, UUIDPGetDatum(&key),
          [&](Relation table, HeapTuple row) { name = TextOf(row, table, kNamesName); });
  return name;
}

pg_uuid_t EncryptionKeyOfName(const char* name) {
  pg_uuid_t key = {};
  const char* purpose = nullptr;
  ReadRow("key_names", "key_names_name_key", kNamesName, F_TEXTEQ, CStringGetTextDatum(name),
          [&](Relation table, HeapTuple row) {
            key = *DatumGetUUIDP(ColumnOf(row, table, kNamesKeyId));
            purpose = TextOf(row, table, kNamesPurpose);
          });
  if (purpose == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("key \"%s\" does not exist", name),
                    errhint("bulla.create_key makes one; bulla.keys lists them.")));
  }
  if (purpose != Name(Purpose::kEncrypt)) {
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("key \"%s\" has purpose %s, not encrypt", name, purpose)));
  }
  return key;
}

const char* StateOfVersion(const VersionId& version, pg_uuid_t* key) {
  const char* state = nullptr;
  ReadRow("key_versions", "key_versions_pkey", kVersionId, F_BYTEAEQ, BytesDatum(version.bytes),
          [&](Relation table, HeapTuple row) {
            state = TextOf(row, table, kState);
            *key = *DatumGetUUIDP(ColumnOf(row, table, kVersionsKeyId));
          });
  return state;
}

List* DestroyedVersions() {
  List* destroyed = NIL;
  const Relation table = table_open(KeyTable("key_versions"), AccessShareLock);
  const SysScanDesc scan = systable_beginscan(table, InvalidOid, false, nullptr, 0, nullptr);
  while (const HeapTuple row = systable_getnext(scan)) {
    if (TextOf(row, table, kState) != Name(KeyState::kDestroyed)) continue;
    auto* const id = static_cast<Bytes*>(palloc(sizeof(Bytes)));
    *id = BytesOf(row, table, kVersionId);
    destroyed = lappend(destroyed, id);
  }
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  return destroyed;
}

VersionId VersionOfSealed(std::string_view value, bool bytes) {
  std::array<std::byte, kEnvelopeHeaderSize> header{};
  if (bytes) {
    memcpy(header.data(), value.data(), header.size());
  } else if (!DecodeBase64Url(value.substr(kEnvelopeTextPrefix.size(), kHeaderText), header)) {
    elog(ERROR, "a sealed text has no header");
  }
  VersionId version;
  memcpy(version.bytes.data(), header.data() + kVersionAt, version.bytes.size());
  return version;
}

}  // namespace bulla
