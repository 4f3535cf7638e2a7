#include "pg/checkpoint_signer.h"

#include <string>

#include "core/checkpoint.h"
#include "core/note.h"
#include "core/origin.h"
#include "pg/boundary.h"
#include "pg/key_rows.h"
#include "pg/key_store.h"

namespace bulla {
namespace {

Result<Ed25519Signer> SignerOf(const SecretBytes& seed, std::string_view origin) {
  const auto origins = DeriveOriginSeed(seed, origin);
  if (!origins.ok()) return origins.error();
  return Ed25519Signer::Create(origins.value());
}

Result<std::string> MakeNote(const SecretBytes& seed, const std::string& origin,
                             const Result<std::string>& body) {
  if (!body.ok()) return body.error();
  const auto signer = SignerOf(seed, origin);
  if (!signer.ok()) return signer.error();
  const auto signature = SignNote(body.value(), origin, signer.value());
  if (!signature.ok()) return signature.error();
  return FormatNote({body.value(), {signature.value()}});
}

Result<VerifierKey> KeyOfOrigin(const SecretBytes& seed, std::string_view origin) {
  const auto signer = SignerOf(seed, origin);
  if (!signer.ok()) return signer.error();
  return VerifierKey::Create(origin, SignatureType::kNote, signer.value().public_key());
}

Result<std::string> MakeVerifierKey(const SecretBytes& seed, std::string_view origin) {
  const auto key = KeyOfOrigin(seed, origin);
  if (!key.ok()) return key.error();
  return key.value().ToText();
}

// A signature that claims to be of the key and is not is none.
Result<bool> HasSigned(const SecretBytes& seed, const char* text, const char* origin) {
  const auto key = KeyOfOrigin(seed, origin);
  if (!key.ok()) return key.error();
  const auto note = ParseNote(text);
  if (!note.ok()) return note.error();
  const auto signed_by = IsSignedBy(note.value(), key.value());
  return signed_by.ok() && signed_by.value();
}

template <class Make>
const char* TextFrom(const SecretBytes& seed, Make make) {
  return Enter([&]() -> Result<const char*> {
    const Result<std::string> made = make(seed);
    if (!made.ok()) return made.error();
    return CallPg([&] { return pnstrdup(made.value().data(), made.value().size()); });
  });
}

}  // namespace

const char* SignCheckpoint(const char* origin, TreeSize size, const NodeHash& root) {
  return TextFrom(PrimarySeed(kSigningKeyName), [&](const SecretBytes& seed) {
    return MakeNote(seed, origin, FormatCheckpoint({origin, size, root, {}}));
  });
}

VersionId SigningVersion() {
  return PrimaryKey(kSigningKeyName, Use::kNone).commitment.version_id();
}

const char* SignSuccessor(const VersionId& by, const char* origin, const char* successor) {
  return TextFrom(SeedOfVersion(by), [&](const SecretBytes& seed) {
    return MakeNote(seed, origin,
                    std::string("bulla.signing-key.v1\n") + origin + "\n" + successor + "\n");
  });
}

bool IsSignedByLog(const char* note, const char* origin) {
  List* const versions = ReadVersions(LockKey(kSigningKeyName));
  for (int i = 0; i < list_length(versions); ++i) {
    const auto* const version = static_cast<const KeyRow*>(list_nth(versions, i));
    if (!IsEnabled(*version)) continue;
    const SecretBytes& seed = SeedOfVersion(IdOfVersion(*version));
    if (Enter([&] { return HasSigned(seed, note, origin); })) return true;
  }
  return false;
}

const char* VerifierKeyOf(const char* origin) {
  return TextFrom(PrimarySeed(kSigningKeyName),
                  [&](const SecretBytes& seed) { return MakeVerifierKey(seed, origin); });
}

}  // namespace bulla
