#include "core/kek.h"

#include <algorithm>
#include <array>

#include "core/hex.h"
#include "core/hkdf.h"
#include "core/sha256.h"
#include "core/xaes_gcm.h"

namespace bulla {
namespace {

struct KindName {
  KekKind kind;
  std::string_view name;
};
constexpr std::array kKinds = {
    KindName{KekKind::kFile, "file"},
    KindName{KekKind::kCommand, "command"},
    KindName{KekKind::kVault, "vault"},
    KindName{KekKind::kPkcs11, "pkcs11"},
};

static_assert(Kek::SealedSize(0) == XaesGcm::kNonceSize + XaesGcm::kTagSize);

}  // namespace

std::string_view Name(KekKind kind) {
  for (const KindName& entry : kKinds)
    if (entry.kind == kind) return entry.name;
  return "unknown";
}

Result<KekKind> KekKindFromByte(std::byte value) {
  for (const KindName& entry : kKinds)
    if (static_cast<std::byte>(entry.kind) == value) return entry.kind;
  return Error{Code::kCorrupt, "wrapped key has an unknown provider byte"};
}

std::string KekId::Text() const {
  std::string text(Name(kind));
  text.push_back(':');
  const size_t begin = text.size();
  text.resize(begin + 2 * bytes.size());
  EncodeHex(bytes, text.data() + begin);
  return text;
}

Result<KekId> NamedKekId(KekKind kind, std::string_view name) {
  constexpr std::string_view kDomain("bulla.kek.name.v1\0", 18);
  const std::byte kind_byte = static_cast<std::byte>(kind);
  Sha256 hash;
  hash.Start();
  hash.Update(AsBytes(kDomain));
  hash.Update({&kind_byte, 1});
  hash.Update(AsBytes(name));
  Sha256Digest digest;
  if (!hash.Finish(&digest)) return Error{Code::kInternal, "SHA-256 failed"};
  KekId id{kind};
  std::copy_n(digest.bytes.begin(), id.bytes.size(), id.bytes.begin());
  return id;
}

Result<Kek> Kek::Create(KekKind kind, SecretBytes key) {
  if (key.size() != kKeySize)
    return Error{Code::kInvalidArgument, "a key-encryption key has 32 bytes"};
  KekId id{kind};
  const Result<void> derived =
      HkdfSha256(key.RevealSecretBytes(), {}, AsBytes("bulla.kek.id.v1"), id.bytes);
  if (!derived.ok()) return derived.error();
  return Kek(id, std::move(key));
}

Result<void> Kek::Seal(Bytes associated_data, const SecretBytes& secret, Random& random,
                       MutableBytes sealed) const {
  if (sealed.size() != SealedSize(secret.size()))
    return Error{Code::kInvalidArgument, "size of the output does not fit the secret"};
  Result<XaesGcm> cipher = XaesGcm::Create(key_);
  if (!cipher.ok()) return cipher.error();
  const MutableBytes nonce = sealed.first(XaesGcm::kNonceSize);
  if (Result<void> filled = random.Fill(nonce); !filled.ok()) return filled;
  return cipher.value().Seal(nonce, {&associated_data, 1}, secret.RevealSecretBytes(),
                             sealed.subspan(XaesGcm::kNonceSize));
}

Result<SecretBytes> Kek::Open(Bytes associated_data, Bytes sealed) const {
  if (sealed.size() <= SealedSize(0)) return Error{Code::kCorrupt, "wrapped key has a wrong size"};
  Result<XaesGcm> cipher = XaesGcm::Create(key_);
  if (!cipher.ok()) return cipher.error();
  Result<SecretBytes> secret = SecretBytes::Allocate(sealed.size() - SealedSize(0));
  if (!secret.ok()) return secret;
  const Result<size_t> opened =
      cipher.value().Open(sealed.first(XaesGcm::kNonceSize), {&associated_data, 1},
                          sealed.subspan(XaesGcm::kNonceSize), secret.value().RevealSecretBytes());
  if (!opened.ok()) return opened.error();
  return secret;
}

}  // namespace bulla
