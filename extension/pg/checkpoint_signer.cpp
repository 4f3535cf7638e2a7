#include "pg/checkpoint_signer.h"

#include <string>

#include "core/checkpoint.h"
#include "core/note.h"
#include "core/origin.h"
#include "pg/boundary.h"
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

Result<std::string> MakeVerifierKey(const SecretBytes& seed, std::string_view origin) {
  const auto signer = SignerOf(seed, origin);
  if (!signer.ok()) return signer.error();
  const auto key = VerifierKey::Create(origin, SignatureType::kNote, signer.value().public_key());
  if (!key.ok()) return key.error();
  return key.value().ToText();
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

const char* VerifierKeyOf(const char* origin) {
  return TextFrom(PrimarySeed(kSigningKeyName),
                  [&](const SecretBytes& seed) { return MakeVerifierKey(seed, origin); });
}

}  // namespace bulla
