#include "pg/cell_value.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
}

#include "core/secret_bytes.h"
#include "pg/boundary.h"
#include "pg/sealing.h"
#include "pg/user_scope.h"

namespace bulla {

namespace {

Oid OwnerOf(Oid table) {
  const HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
  if (!HeapTupleIsValid(row)) elog(ERROR, "cache lookup failed for relation %u", table);
  const Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(row))->relowner;
  ReleaseSysCache(row);
  return owner;
}

void Forget(varlena* plaintext) {
  Wipe({reinterpret_cast<std::byte*>(VARDATA(plaintext)), VARSIZE(plaintext) - VARHDRSZ});
  pfree(plaintext);
}

}  // namespace

bool IsSealed(const Cell* cell, Datum value) { return IsSealedAs(cell->bytes, ValueBytes(value)); }

const char* RequireKeyName(const Cell* cell) {
  if (cell->key_name == nullptr) {
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_OBJECT),
             errmsg("the key that protects column \"%s\" is not in this database", cell->column),
             errhint("Restore the tables of bulla's keys, or call bulla.unprotect_column.")));
  }
  return cell->key_name;
}

Datum SealValue(const Cell* cell, Datum plaintext, Bytes context) {
  const char* const key = RequireKeyName(cell);
  const UserScope writer = BeginAs(OwnerOf(cell->root), SECURITY_LOCAL_USERID_CHANGE);
  varlena* const sealed =
      SealAs(cell->bytes, ValueBytes(plaintext), key, AsText(context), Use::kEncrypt);
  EndAs(writer);
  return PointerGetDatum(sealed);
}

void CheckMaySeal(Oid role, const char* key_name) {
  const UserScope caller = BeginAs(role, SECURITY_LOCAL_USERID_CHANGE);
  SealBytes("", key_name, "", Use::kEncrypt);
  EndAs(caller);
}

Datum OpenValue(const Cell* cell, Datum sealed, Bytes context) {
  return PointerGetDatum(OpenAs(cell->bytes, ValueBytes(sealed), AsText(context), Use::kDecrypt));
}

void CheckOpens(const Cell* cell, Datum sealed, Bytes context) {
  Forget(OpenAs(cell->bytes, ValueBytes(sealed), AsText(context), Use::kNone));
}

Datum ResealValue(const Cell* cell, Datum sealed, Bytes from, Bytes to) {
  varlena* const plaintext = OpenAs(cell->bytes, ValueBytes(sealed), AsText(from), Use::kNone);
  const Datum again = SealValue(cell, PointerGetDatum(plaintext), to);
  Forget(plaintext);
  return again;
}

}  // namespace bulla
