#include "core/data_key.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "core/hkdf.h"
#include "core/xaes_gcm.h"

namespace bulla {
namespace {

// Wrapped: header | nonce | sealed structure. The structure: description | data key.
constexpr std::byte kFormat{0xB2};
constexpr size_t kHeaderSize = 1 + 1 + 16;  // format | provider | id of the KEK
constexpr std::string_view kMagic("bulla.key.v1\0", 13);
constexpr size_t kDescriptionSize = kMagic.size() + 16 + 4 + 1 + 1;
constexpr std::string_view kWrapDomain("bulla.wrap.v1\0", 14);
constexpr std::string_view kCommitmentInfo = "bulla.dek.v1";

using Header = std::array<std::byte, kHeaderSize>;
using Description = std::array<std::byte, kDescriptionSize>;

Header MakeHeader(const KekId& kek) {
  Header header;
  header[0] = kFormat;
  header[1] = static_cast<std::byte>(kek.provider);
  std::copy(kek.bytes.begin(), kek.bytes.end(), header.begin() + 2);
  return header;
}

Description Describe(const KeyVersion& version) {
  Description description;
  ByteWriter writer(description);
  writer.Put(AsBytes(kMagic));
  writer.Put(version.key.bytes);
  writer.PutU32(version.version);
  writer.PutByte(static_cast<uint8_t>(version.algorithm));
  writer.PutByte(static_cast<uint8_t>(version.purpose));
  return description;
}

}  // namespace

VersionId Commitment::version_id() const {
  VersionId id;
  std::copy_n(bytes.begin(), id.bytes.size(), id.bytes.begin());
  return id;
}

Result<SecretBytes> GenerateDataKey(Algorithm algorithm, Random& random) {
  Result<SecretBytes> key = SecretBytes::Allocate(DataKeySize(algorithm));
  if (!key.ok()) return key;
  const Result<void> filled = random.FillSecret(key.value().RevealSecretBytes());
  if (!filled.ok()) return filled.error();
  return key;
}

Result<Commitment> CommitToDataKey(const SecretBytes& data_key, Algorithm algorithm,
                                   Purpose purpose) {
  std::array<std::byte, kCommitmentInfo.size() + 2> info;
  ByteWriter writer(info);
  writer.Put(AsBytes(kCommitmentInfo));
  writer.PutByte(static_cast<uint8_t>(algorithm));
  writer.PutByte(static_cast<uint8_t>(purpose));
  Commitment commitment;
  const Result<void> derived = HkdfSha256(data_key.RevealSecretBytes(), {}, info, commitment.bytes);
  if (!derived.ok()) return derived.error();
  return commitment;
}

size_t WrappedKeySize(Algorithm algorithm) {
  return kHeaderSize + XaesGcm::kNonceSize +
         XaesGcm::SealedSize(kDescriptionSize + DataKeySize(algorithm));
}

Result<void> WrapDataKey(const Kek& kek, const KeyVersion& version, const SecretBytes& data_key,
                         Random& random, MutableBytes wrapped) {
  const size_t structure_size = kDescriptionSize + DataKeySize(version.algorithm);
  if (version.version == 0 || data_key.size() != DataKeySize(version.algorithm) ||
      wrapped.size() != WrappedKeySize(version.algorithm))
    return Error{Code::kInvalidArgument, "size of data key or output, or version, does not fit"};
  Result<SecretBytes> structure = SecretBytes::Allocate(structure_size);
  if (!structure.ok()) return structure.error();
  Result<XaesGcm> cipher = XaesGcm::Create(kek.key());
  if (!cipher.ok()) return cipher.error();

  const Header header = MakeHeader(kek.id());
  const Description description = Describe(version);
  ByteWriter plaintext(structure.value().RevealSecretBytes());
  plaintext.Put(description);
  plaintext.Put(data_key.RevealSecretBytes());

  std::copy(header.begin(), header.end(), wrapped.begin());
  const MutableBytes nonce = wrapped.subspan(kHeaderSize, XaesGcm::kNonceSize);
  const Result<void> filled = random.Fill(nonce);
  if (!filled.ok()) return filled;
  const Bytes associated_data[] = {AsBytes(kWrapDomain), header, description};
  return cipher.value().Seal(XaesGcm::Nonce(nonce), associated_data,
                             structure.value().RevealSecretBytes(),
                             wrapped.subspan(kHeaderSize + XaesGcm::kNonceSize));
}

Result<KekId> WrappedUnder(Bytes wrapped) {
  if (wrapped.size() < kHeaderSize || wrapped[0] != kFormat)
    return Error{Code::kCorrupt, "not a wrapped key"};
  if (wrapped[1] != static_cast<std::byte>(KekProvider::kFile))
    return Error{Code::kCorrupt, "wrapped key has an unknown provider byte"};
  KekId id;
  std::copy_n(wrapped.begin() + 2, id.bytes.size(), id.bytes.begin());
  return id;
}

Result<SecretBytes> UnwrapDataKey(const Kek& kek, const KeyVersion& version,
                                  const Commitment& commitment, Bytes wrapped) {
  const Result<KekId> wrapped_under = WrappedUnder(wrapped);
  if (!wrapped_under.ok()) return wrapped_under.error();
  if (wrapped_under.value() != kek.id())
    return Error{Code::kFailedPrecondition,
                 "key was wrapped under KEK " + wrapped_under.value().Text() +
                     ", but the present one is " + kek.id().Text(),
                 "Point the setting bulla.kek to the KEK that wrapped the key."};
  if (wrapped.size() != WrappedKeySize(version.algorithm))
    return Error{Code::kCorrupt, "wrapped key has a wrong size"};

  Result<XaesGcm> cipher = XaesGcm::Create(kek.key());
  if (!cipher.ok()) return cipher.error();
  const Bytes nonce = wrapped.subspan(kHeaderSize, XaesGcm::kNonceSize);
  const Bytes sealed = wrapped.subspan(kHeaderSize + XaesGcm::kNonceSize);
  Result<SecretBytes> structure = SecretBytes::Allocate(XaesGcm::OpenedSize(sealed.size()));
  if (!structure.ok()) return structure;
  const Description description = Describe(version);
  const Bytes associated_data[] = {AsBytes(kWrapDomain), wrapped.first(kHeaderSize), description};
  const Result<void> opened = cipher.value().Open(XaesGcm::Nonce(nonce), associated_data, sealed,
                                                  structure.value().RevealSecretBytes());
  if (!opened.ok() && opened.error().code == Code::kAuthenticationFailed)
    return Error{Code::kAuthenticationFailed,
                 "wrapped key was altered, or belongs to another key version"};
  if (!opened.ok()) return opened.error();

  // The associated data has said so already; a KMS without any has only this.
  const Bytes plaintext = structure.value().RevealSecretBytes();
  if (!SameBytes(plaintext.first(kDescriptionSize), description))
    return Error{Code::kCorrupt, "wrapped key belongs to another key version"};
  Result<SecretBytes> data_key = SecretBytes::CopyOf(plaintext.subspan(kDescriptionSize));
  if (!data_key.ok()) return data_key;
  const Result<Commitment> found =
      CommitToDataKey(data_key.value(), version.algorithm, version.purpose);
  if (!found.ok()) return found.error();
  if (!ConstantTimeEqual(found.value().bytes, commitment.bytes))
    return Error{Code::kCorrupt, "data key does not match its commitment"};
  return data_key;
}

}  // namespace bulla
