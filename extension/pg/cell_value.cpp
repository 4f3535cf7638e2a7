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

// pg/encryption_sql.cpp
extern "C" {
Datum bulla_is_encrypted_text(PG_FUNCTION_ARGS);
Datum bulla_is_encrypted_bytea(PG_FUNCTION_ARGS);
}

namespace {

varlena* Seal(bool bytes, std::string_view value, const char* key, Bytes context, Use use) {
  return bytes ? SealBytes(value, key, AsText(context), use)
               : SealText(value, key, AsText(context), use);
}

varlena* Open(bool bytes, std::string_view sealed, Bytes context, Use use) {
  return bytes ? OpenBytes(sealed, AsText(context), use) : OpenText(sealed, AsText(context), use);
}

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

std::string_view ValueBytes(Datum value) {
  const varlena* const bytes = PG_DETOAST_DATUM_PACKED(value);
  return {VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
}

bool IsSealed(const Cell* cell, Datum value) {
  return DatumGetBool(
      DirectFunctionCall1(cell->bytes ? bulla_is_encrypted_bytea : bulla_is_encrypted_text, value));
}

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
  varlena* const sealed = Seal(cell->bytes, ValueBytes(plaintext), key, context, Use::kEncrypt);
  EndAs(writer);
  return PointerGetDatum(sealed);
}

void CheckMaySeal(Oid role, const char* key_name) {
  const UserScope caller = BeginAs(role, SECURITY_LOCAL_USERID_CHANGE);
  SealBytes("", key_name, "", Use::kEncrypt);
  EndAs(caller);
}

Datum OpenValue(const Cell* cell, Datum sealed, Bytes context) {
  return PointerGetDatum(Open(cell->bytes, ValueBytes(sealed), context, Use::kDecrypt));
}

void CheckOpens(const Cell* cell, Datum sealed, Bytes context) {
  Forget(Open(cell->bytes, ValueBytes(sealed), context, Use::kNone));
}

Datum ResealValue(const Cell* cell, Datum sealed, Bytes from, Bytes to) {
  varlena* const plaintext = Open(cell->bytes, ValueBytes(sealed), from, Use::kNone);
  const Datum again = SealValue(cell, PointerGetDatum(plaintext), to);
  Forget(plaintext);
  return again;
}

}  // namespace bulla
