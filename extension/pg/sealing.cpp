#include "pg/sealing.h"

extern "C" {
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
}

#include "core/envelope.h"
#include "core/secret_bytes.h"
#include "kms/system_random.h"
#include "pg/boundary.h"
#include "pg/emergency.h"
#include "pg/enter_noting.h"
#include "pg/key_rows.h"
#include "pg/key_store.h"
#include "pg/key_uses.h"
#include "pg/message_budget.h"
#include "pg/refusals.h"
#include "pg/settings.h"

namespace bulla {
namespace {

text* FromUtf8(text* opened) {
  if (GetDatabaseEncoding() == PG_UTF8) return opened;
  const int size = static_cast<int>(VARSIZE(opened)) - VARHDRSZ;
  return cstring_to_text(pg_any_to_server(pnstrdup(VARDATA(opened), size), size, PG_UTF8));
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

void NoteMalformed(Use use) { NoteRefusal(use, Act::kMalformed, nullptr, nullptr); }

Envelope ParseEnvelope(Bytes bytes, Use use) {
  return EnterNoting([&] { return Envelope::Parse(bytes); }, [&] { NoteMalformed(use); });
}

// The envelope in a text, decoded into palloc'd memory.
Envelope ParseText(std::string_view sealed, Use use) {
  const size_t size = EnvelopeSizeInText(sealed.size()).value_or(0);
  const MutableBytes bytes(static_cast<std::byte*>(palloc(size)), size);
  return EnterNoting(
      [&]() -> Result<Envelope> {
        if (const auto decoded = DecodeEnvelopeText(sealed, bytes); !decoded.ok())
          return decoded.error();
        return Envelope::Parse(bytes);
      },
      [&] { NoteMalformed(use); });
}

[[noreturn]] void RefuseToDecrypt(const VersionId& version, Use use) {
  NoteRefusal(use, Act::kForbidden, nullptr, FindVersion(version).found ? &version : nullptr);
  RaiseRestricted(Restriction::kNoDecrypt);
}

// What opens a version's values, and whether that is to be recorded.
struct Opener {
  EnvelopeCipher* cipher;
  KeyId key;
  bool audited;
};

Opener OpenerOf(const VersionId& version, Use use) {
  const UnwrappedKey& key = OpeningKey(version, use);
  const bool audited =
      audit_decrypts == kAuditAll || (audit_decrypts == kAuditByKey && key.audited);
  return {key.cipher.get(), key.version.key, audited};
}

varlena* Open(const Envelope& envelope, PlaintextKind kind, std::string_view context, Use use) {
  if (IsInForce(Restriction::kNoDecrypt)) RefuseToDecrypt(envelope.version, use);
  varlena* const plaintext = NewValue(envelope.plaintext_room());
  const Opener opener = OpenerOf(envelope.version, use);
  const size_t size = EnterNoting(
      [&] { return opener.cipher->Open(envelope, kind, AsBytes(context), Room(plaintext)); },
      [&] { NoteRefusal(use, Act::kDoesNotOpen, nullptr, &envelope.version); });
  SET_VARSIZE(plaintext, VARHDRSZ + size);
  if (opener.audited) NoteUse(use, opener.key, envelope.version);
  return plaintext;
}

bool Opens(const Envelope& envelope, PlaintextKind kind, std::string_view context) {
  RequireNotRestricted(Restriction::kNoDecrypt);
  varlena* const plaintext = NewValue(envelope.plaintext_room());
  const Opener opener = OpenerOf(envelope.version, Use::kNone);
  const bool opens = Enter([&]() -> Result<bool> {
    const auto size = opener.cipher->Open(envelope, kind, AsBytes(context), Room(plaintext));
    if (!size.ok() && size.error().code != Code::kAuthenticationFailed) return size.error();
    return size.ok();
  });
  Wipe(Room(plaintext));
  pfree(plaintext);
  if (opens && opener.audited) NoteUse(Use::kNone, opener.key, envelope.version);
  return opens;
}

// The cipher that seals one message under the key now.
EnvelopeCipher* SealingCipher(std::string_view key, Use use) {
  RequireNotRestricted(Restriction::kNoEncrypt);
  for (;;) {
    EnvelopeCipher* const cipher = PrimaryCipherToSeal(key, use);
    if (cipher->algorithm() != Algorithm::kAes256Gcm || TakeMessage(cipher->version()))
      return cipher;
    ReserveMessages(cipher->version(), pnstrdup(key.data(), key.size()));
  }
}

}  // namespace

std::string_view ToUtf8(std::string_view text, const char* what) {
  if (GetDatabaseEncoding() == PG_UTF8) return text;
  if (GetDatabaseEncoding() == PG_SQL_ASCII) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("a database with encoding SQL_ASCII cannot %s", what),
                    errhint("Use a database with encoding UTF8.")));
  }
  return pg_server_to_any(pnstrdup(text.data(), text.size()), static_cast<int>(text.size()),
                          PG_UTF8);
}

// In all four the cipher comes last: what could raise or look something up comes before it.

text* SealText(std::string_view value, std::string_view key, std::string_view context, Use use) {
  const std::string_view plaintext = ToUtf8(value, "seal texts");
  const std::string_view bound = ToUtf8(context, "seal texts");
  EnvelopeCipher* const cipher = SealingCipher(key, use);
  varlena* const sealed = NewValue(EnvelopeTextSize(cipher->algorithm(), plaintext.size()));
  Enter([&] {
    return cipher->SealText(PlaintextKind::kText, AsBytes(bound), AsBytes(plaintext),
                            SystemRandom::Instance(),
                            {VARDATA(sealed), VARSIZE(sealed) - VARHDRSZ});
  });
  return sealed;
}

bytea* SealBytes(std::string_view value, std::string_view key, std::string_view context, Use use) {
  const std::string_view bound = ToUtf8(context, "seal with a context");
  EnvelopeCipher* const cipher = SealingCipher(key, use);
  varlena* const sealed = NewValue(EnvelopeSize(cipher->algorithm(), value.size()));
  Enter([&] {
    return cipher->Seal(PlaintextKind::kBytea, AsBytes(bound), AsBytes(value),
                        SystemRandom::Instance(), Room(sealed));
  });
  return sealed;
}

text* OpenText(std::string_view sealed, std::string_view context, Use use) {
  const std::string_view bound = ToUtf8(context, "open texts");
  return FromUtf8(Open(ParseText(sealed, use), PlaintextKind::kText, bound, use));
}

bytea* OpenBytes(std::string_view sealed, std::string_view context, Use use) {
  const std::string_view bound = ToUtf8(context, "open with a context");
  return Open(ParseEnvelope(AsBytes(sealed), use), PlaintextKind::kBytea, bound, use);
}

bool IsSealedText(std::string_view value) {
  const auto size = EnvelopeSizeInText(value.size());
  if (!size || !IsEnvelopeText(value)) return false;
  const MutableBytes bytes(static_cast<std::byte*>(palloc(*size)), *size);
  return Enter(
      [&]() -> Result<bool> { return DecodeEnvelopeText(value, bytes).ok() && IsEnvelope(bytes); });
}

bool IsSealedBytes(std::string_view value) { return IsEnvelope(AsBytes(value)); }

varlena* SealAs(bool bytes, std::string_view value, std::string_view key, std::string_view context,
                Use use) {
  return bytes ? SealBytes(value, key, context, use) : SealText(value, key, context, use);
}

varlena* OpenAs(bool bytes, std::string_view sealed, std::string_view context, Use use) {
  return bytes ? OpenBytes(sealed, context, use) : OpenText(sealed, context, use);
}

bool IsSealedAs(bool bytes, std::string_view value) {
  return bytes ? IsSealedBytes(value) : IsSealedText(value);
}

bool OpensAs(bool bytes, std::string_view sealed, std::string_view context) {
  const std::string_view bound = ToUtf8(context, "open with a context");
  return bytes ? Opens(ParseEnvelope(AsBytes(sealed), Use::kNone), PlaintextKind::kBytea, bound)
               : Opens(ParseText(sealed, Use::kNone), PlaintextKind::kText, bound);
}

}  // namespace bulla
