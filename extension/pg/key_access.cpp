#include "pg/key_access.h"

extern "C" {
#include "access/table.h"
#include "catalog/pg_authid.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/syscache.h"
}

#include "pg/key_tables.h"
#include "pg/refusals.h"
#include "pg/relation_changes.h"
#include "pg/uuid_ids.h"

namespace bulla {
namespace {

enum GrantsColumn { kGrantsKeyId = 1, kGrantee, kUse };

// What was found out and still holds: counts only in the generation it was found out in. A new one begins
// with every message that keys, grants or roles changed.
struct Permission {
  uint64 generation;
  Oid user;
  Use use;
  KeyId key;
};

constexpr uint32 kPermissions = 256;
Permission permissions[kPermissions];
uint64 generation = 1;
Oid watched_relation = InvalidOid;  // bulla.key_versions: told of every change of the key tables

Permission* PlaceOf(const KeyId& key, Oid user, Use use) {
  const uint32 hash =
      hash_combine(hash_bytes(reinterpret_cast<const unsigned char*>(key.bytes.data()),
                              static_cast<int>(key.bytes.size())),
                   hash_uint32(user * 4 + static_cast<uint32>(use)));
  return &permissions[hash % kPermissions];
}

void Remember(const KeyId& key, Oid user, Use use) {
  *PlaceOf(key, user, use) = {generation, user, use, key};
}

// A role that was dropped behind the back of its grants gives nobody anything, not even who is still
// connected as it.
bool Gives(Oid grantee, Oid user) {
  if (!OidIsValid(grantee)) return true;  // PUBLIC
  return SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(grantee)) &&
         has_privs_of_role(user, grantee);
}

bool IsGranted(const KeyId& key, Oid user, Use use) {
  const Relation table = table_open(KeyTable("key_grants"), AccessShareLock);
  const SysScanDesc scan =
      BeginKeyScan(table, "key_grants_pkey", kGrantsKeyId, F_UUID_EQ, IdDatum(key));
  bool granted = false;
  while (const HeapTuple row = granted ? nullptr : systable_getnext(scan)) {
    granted = strcmp(TextOf(row, table, kUse), Name(use)) == 0 &&
              Gives(DatumGetObjectId(ColumnOf(row, table, kGrantee)), user);
  }
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  return granted;
}

[[noreturn]] void Refuse(const KeyId& key, const char* key_name, Oid user, Use use) {
  NoteRefusal(use, Act::kNotGranted, &key, nullptr);
  const char* const role = GetUserNameFromId(user, true);  // none where it was dropped meanwhile
  ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                  errmsg("permission denied for key \"%s\": may not %s", key_name, Name(use)),
                  role == nullptr ? 0
                                  : errhint("bulla.grant_key(%s, %s, '%s') allows it.",
                                            quote_literal_cstr(key_name), quote_literal_cstr(role),
                                            Name(use))));
}

void ForgetPermissions(Datum, Oid relation) {
  if (!OidIsValid(relation) || !OidIsValid(watched_relation) || relation == watched_relation)
    ++generation;
}

void ForgetRoles(Datum, int, uint32) { ++generation; }

}  // namespace

const char* Name(Use use) {
  switch (use) {
    case Use::kEncrypt:
      return "encrypt";
    case Use::kDecrypt:
      return "decrypt";
    case Use::kIndex:
      return "index";
    case Use::kNone:
      break;
  }
  return "";
}

void WatchKeyAccess() {
  ListenForRelationChanges(ForgetPermissions, Datum{0});
  // As PostgreSQL's own cache of memberships: of roles, who is in them, and who owns the database.
  CacheRegisterSyscacheCallback(AUTHOID, ForgetRoles, Datum{0});
  CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, ForgetRoles, Datum{0});
  CacheRegisterSyscacheCallback(DATABASEOID, ForgetRoles, Datum{0});
}

bool KnowsMayUse(const KeyId& key, Use use) {
  if (use == Use::kNone || superuser()) return true;
  const Oid user = GetUserId();
  const Permission& found = *PlaceOf(key, user, use);
  return found.generation == generation && found.user == user && found.use == use &&
         found.key == key;
}

void RequireUse(const KeyId& key, const char* key_name, Use use) {
  if (KnowsMayUse(key, use)) return;
  const Oid user = GetUserId();
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    watched_relation = KeyTable("key_versions");
    const uint64 before = generation;
    const bool granted = IsGranted(key, user, use);
    // Counts only if nothing changed meanwhile: a grant that was just revoked could have been read.
    AcceptInvalidationMessages();
    if (generation != before) continue;
    if (!granted) Refuse(key, key_name, user, use);
    return Remember(key, user, use);
  }
}

}  // namespace bulla
