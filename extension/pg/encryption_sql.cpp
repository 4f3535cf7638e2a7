// SQL functions that seal and open values.

#include "pg/boundary.h"

#include "core/envelope.h"
#include "pg/arguments.h"
#include "pg/sealing.h"
#include "pg/value_bytes.h"

namespace bulla {

BULLA_FUNCTION(bulla_encrypt_text);
Datum bulla_encrypt_text(PG_FUNCTION_ARGS) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const std::string_view key = BytesArgument(fcinfo, 1, "key");
  const std::string_view context = BytesArgument(fcinfo, 2, "context");
  PG_RETURN_TEXT_P(SealText(ValueBytes(PG_GETARG_DATUM(0)), key, context, Use::kEncrypt));
}

BULLA_FUNCTION(bulla_encrypt_bytea);
Datum bulla_encrypt_bytea(PG_FUNCTION_ARGS) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const std::string_view key = BytesArgument(fcinfo, 1, "key");
  const std::string_view context = BytesArgument(fcinfo, 2, "context");
  PG_RETURN_BYTEA_P(SealBytes(ValueBytes(PG_GETARG_DATUM(0)), key, context, Use::kEncrypt));
}

BULLA_FUNCTION(bulla_decrypt_text);
Datum bulla_decrypt_text(PG_FUNCTION_ARGS) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const std::string_view context = BytesArgument(fcinfo, 1, "context");
  PG_RETURN_TEXT_P(OpenText(ValueBytes(PG_GETARG_DATUM(0)), context, Use::kDecrypt));
}

BULLA_FUNCTION(bulla_decrypt_bytea);
Datum bulla_decrypt_bytea(PG_FUNCTION_ARGS) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const std::string_view context = BytesArgument(fcinfo, 1, "context");
  PG_RETURN_BYTEA_P(OpenBytes(ValueBytes(PG_GETARG_DATUM(0)), context, Use::kDecrypt));
}

BULLA_FUNCTION(bulla_is_encrypted_text);
Datum bulla_is_encrypted_text(PG_FUNCTION_ARGS) {
  PG_RETURN_BOOL(IsSealedText(ValueBytes(PG_GETARG_DATUM(0))));
}

BULLA_FUNCTION(bulla_is_encrypted_bytea);
Datum bulla_is_encrypted_bytea(PG_FUNCTION_ARGS) {
  PG_RETURN_BOOL(IsSealedBytes(ValueBytes(PG_GETARG_DATUM(0))));
}

BULLA_FUNCTION(bulla_decrypt_if_encrypted);
Datum bulla_decrypt_if_encrypted(PG_FUNCTION_ARGS) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const std::string_view value = ValueBytes(PG_GETARG_DATUM(0));
  if (!IsEnvelopeText(value)) return PG_GETARG_DATUM(0);
  PG_RETURN_TEXT_P(OpenText(value, BytesArgument(fcinfo, 1, "context"), Use::kDecrypt));
}

}  // namespace bulla
