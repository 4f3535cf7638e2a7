// SQL functions that seal and open values.

#include "pg/boundary.h"

#include "core/envelope.h"
#include "pg/arguments.h"
#include "pg/sealing.h"
#include "pg/versions.h"

namespace bulla {
namespace {

std::string_view View(const varlena* value) {
  return {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

std::string_view TextArgument(FunctionCallInfo fcinfo, int argument, const char* name) {
  RefuseNull(fcinfo, argument, name);
  return View(PG_GETARG_TEXT_PP(argument));
}

bool IsWellFormed(std::string_view sealed) {
  const auto size = EnvelopeSizeInText(sealed.size());
  if (!size || !IsEnvelopeText(sealed)) return false;
  const MutableBytes bytes(static_cast<std::byte*>(palloc(*size)), *size);
  return Enter([&]() -> Result<bool> {
    return DecodeEnvelopeText(sealed, bytes).ok() && IsEnvelope(bytes);
  });
}

}  // namespace

BULLA_FUNCTION(bulla_encrypt_text);
Datum bulla_encrypt_text(PG_FUNCTION_ARGS) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const std::string_view key = TextArgument(fcinfo, 1, "key");
  const std::string_view context = TextArgument(fcinfo, 2, "context");
  PG_RETURN_TEXT_P(SealText(View(PG_GETARG_TEXT_PP(0)), key, context, Use::kEncrypt));
}

BULLA_FUNCTION(bulla_encrypt_bytea);
Datum bulla_encrypt_bytea(PG_FUNCTION_ARGS) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const std::string_view key = TextArgument(fcinfo, 1, "key");
  const std::string_view context = TextArgument(fcinfo, 2, "context");
  PG_RETURN_BYTEA_P(SealBytes(View(PG_GETARG_BYTEA_PP(0)), key, context, Use::kEncrypt));
}

BULLA_FUNCTION(bulla_decrypt_text);
Datum bulla_decrypt_text(PG_FUNCTION_ARGS) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const std::string_view context = TextArgument(fcinfo, 1, "context");
  PG_RETURN_TEXT_P(OpenText(View(PG_GETARG_TEXT_PP(0)), context, Use::kDecrypt));
}

BULLA_FUNCTION(bulla_decrypt_bytea);
Datum bulla_decrypt_bytea(PG_FUNCTION_ARGS) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const std::string_view context = TextArgument(fcinfo, 1, "context");
  PG_RETURN_BYTEA_P(OpenBytes(View(PG_GETARG_BYTEA_PP(0)), context, Use::kDecrypt));
}

BULLA_FUNCTION(bulla_is_encrypted_text);
Datum bulla_is_encrypted_text(PG_FUNCTION_ARGS) {
  PG_RETURN_BOOL(IsWellFormed(View(PG_GETARG_TEXT_PP(0))));
}

BULLA_FUNCTION(bulla_is_encrypted_bytea);
Datum bulla_is_encrypted_bytea(PG_FUNCTION_ARGS) {
  PG_RETURN_BOOL(IsEnvelope(AsBytes(View(PG_GETARG_BYTEA_PP(0)))));
}

BULLA_FUNCTION(bulla_decrypt_if_encrypted);
Datum bulla_decrypt_if_encrypted(PG_FUNCTION_ARGS) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  text* const value = PG_GETARG_TEXT_PP(0);
  if (!IsEnvelopeText(View(value))) PG_RETURN_TEXT_P(value);
  PG_RETURN_TEXT_P(OpenText(View(value), TextArgument(fcinfo, 1, "context"), Use::kDecrypt));
}

}  // namespace bulla
