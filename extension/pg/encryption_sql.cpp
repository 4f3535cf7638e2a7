// SQL functions that seal and open values. Their errors never hold a value, a context or a key.

#include "pg/boundary.h"

extern "C" {
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
}

#include "core/envelope.h"
#include "kms/system_random.h"
#include "pg/arguments.h"
#include "pg/key_store.h"
#include "pg/versions.h"

namespace bulla {
namespace {

std::string_view View(const varlena* value) {
  return {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

// Texts are sealed as UTF-8, so that they open in a database of another encoding too.
std::string_view ToUtf8(std::string_view text) {
  if (GetDatabaseEncoding() == PG_UTF8) return text;
  if (GetDatabaseEncoding() == PG_SQL_ASCII) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("a database with encoding SQL_ASCII cannot seal texts"),
                    errhint("Seal bytea values, or use a database with encoding UTF8.")));
  }
  return pg_server_to_any(pnstrdup(text.data(), text.size()), static_cast<int>(text.size()),
                          PG_UTF8);
}

text* FromUtf8(text* opened) {
  if (GetDatabaseEncoding() == PG_UTF8) return opened;
  const std::string_view utf8 = View(opened);
  return cstring_to_text(
      pg_any_to_server(pnstrdup(utf8.data(), utf8.size()), static_cast<int>(utf8.size()), PG_UTF8));
}

std::string_view TextArgument(FunctionCallInfo fcinfo, int argument, const char* name) {
  RefuseNull(fcinfo, argument, name);
  return View(PG_GETARG_TEXT_PP(argument));
}

varlena* NewValue(size_t size) {
  if (size > MaxAllocSize - VARHDRSZ) {
    ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                    errmsg("the value is too large to be sealed")));
  }
  auto* const value = static_cast<varlena*>(palloc(VARHDRSZ + size));
  SET_VARSIZE(value, VARHDRSZ + size);
  return value;
}

MutableBytes Room(varlena* value) {
  return {reinterpret_cast<std::byte*>(VARDATA(value)), VARSIZE(value) - VARHDRSZ};
}

Envelope ParseEnvelope(Bytes bytes) {
  return Enter([&] { return Envelope::Parse(bytes); });
}

// The envelope in a text, decoded into palloc'd memory.
Envelope ParseText(std::string_view sealed) {
  const auto size = EnvelopeTextPlaintextSize(sealed.size());
  const size_t room = EnvelopeSize(size.value_or(0));
  const MutableBytes bytes(static_cast<std::byte*>(palloc(room)), room);
  Enter([&] { return DecodeEnvelopeText(sealed, bytes); });
  return ParseEnvelope(bytes);
}

varlena* Open(const Envelope& envelope, PlaintextKind kind, std::string_view context) {
  varlena* const plaintext = NewValue(envelope.plaintext_size());
  EnvelopeCipher* const cipher = CipherOfVersion(envelope.version);
  Enter([&] { return cipher->Open(envelope, kind, AsBytes(context), Room(plaintext)); });
  return plaintext;
}

Datum OpenText(FunctionCallInfo fcinfo, std::string_view sealed) {
  const std::string_view context = ToUtf8(TextArgument(fcinfo, 1, "context"));
  return PointerGetDatum(FromUtf8(Open(ParseText(sealed), PlaintextKind::kText, context)));
}

bool IsWellFormed(std::string_view sealed) {
  const auto size = EnvelopeTextPlaintextSize(sealed.size());
  if (!size || !IsEnvelopeText(sealed)) return false;
  const size_t room = EnvelopeSize(*size);
  const MutableBytes bytes(static_cast<std::byte*>(palloc(room)), room);
  return Enter([&]() -> Result<bool> {
    return DecodeEnvelopeText(sealed, bytes).ok() && IsEnvelope(bytes);
  });
}

}  // namespace

BULLA_FUNCTION(bulla_encrypt_text);
Datum bulla_encrypt_text(PG_FUNCTION_ARGS) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const std::string_view plaintext = ToUtf8(View(PG_GETARG_TEXT_PP(0)));
  const std::string_view key = TextArgument(fcinfo, 1, "key");
  const std::string_view context = ToUtf8(TextArgument(fcinfo, 2, "context"));
  varlena* const sealed = NewValue(EnvelopeTextSize(plaintext.size()));
  EnvelopeCipher* const cipher = PrimaryCipher(key);
  Enter([&] {
    return cipher->SealText(PlaintextKind::kText, AsBytes(context), AsBytes(plaintext),
                            SystemRandom::Instance(),
                            {VARDATA(sealed), VARSIZE(sealed) - VARHDRSZ});
  });
  PG_RETURN_TEXT_P(sealed);
}

BULLA_FUNCTION(bulla_encrypt_bytea);
Datum bulla_encrypt_bytea(PG_FUNCTION_ARGS) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const std::string_view plaintext = View(PG_GETARG_BYTEA_PP(0));
  const std::string_view key = TextArgument(fcinfo, 1, "key");
  const std::string_view context = ToUtf8(TextArgument(fcinfo, 2, "context"));
  varlena* const sealed = NewValue(EnvelopeSize(plaintext.size()));
  EnvelopeCipher* const cipher = PrimaryCipher(key);
  Enter([&] {
    return cipher->Seal(PlaintextKind::kBytea, AsBytes(context), AsBytes(plaintext),
                        SystemRandom::Instance(), Room(sealed));
  });
  PG_RETURN_BYTEA_P(sealed);
}

BULLA_FUNCTION(bulla_decrypt_text);
Datum bulla_decrypt_text(PG_FUNCTION_ARGS) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  return OpenText(fcinfo, View(PG_GETARG_TEXT_PP(0)));
}

BULLA_FUNCTION(bulla_decrypt_bytea);
Datum bulla_decrypt_bytea(PG_FUNCTION_ARGS) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const std::string_view context = ToUtf8(TextArgument(fcinfo, 1, "context"));
  return PointerGetDatum(
      Open(ParseEnvelope(AsBytes(View(PG_GETARG_BYTEA_PP(0)))), PlaintextKind::kBytea, context));
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
  return OpenText(fcinfo, View(value));
}

}  // namespace bulla
