#include "core/data_key.h"

#include <algorithm>
#include <string_view>
#include <tuple>

#include "core/hkdf.h"

namespace bulla {
namespace {

// Wrapped: header | sealed structure. The structure: description | data key.
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
  header[1] = static_cast<std::byte>(kek.kind);
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

Result<SecretBytes> JoinStructure(const KeyVersion& version, const SecretBytes& data_key) {
  if (version.version == 0 || data_key.size() != DataKeySize(version.algorithm))
    return Error{Code::kInvalidArgument, "size of the data key, or its version, does not fit"};
  Result<SecretBytes> structure = SecretBytes::Allocate(kDescriptionSize + data_key.size());
  if (!structure.ok()) return structure;
  ByteWriter writer(structure.value().RevealSecretBytes());
  writer.Put(Describe(version));
  writer.Put(data_key.RevealSecretBytes());
  return structure;
}

Result<SecretBytes> TakeDataKey(const SecretBytes& structure, const KeyVersion& version,
                                const Commitment& commitment) {
  const Bytes plaintext = structure.RevealSecretBytes();
  if (plaintext.size() != kDescriptionSize + DataKeySize(version.algorithm))
    return Error{Code::kCorrupt, "wrapped key has a wrong size"};
  if (!SameBytes(plaintext.first(kDescriptionSize), Describe(version)))
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

WrapBinding BindTo(const KekId& kek, const KeyVersion& version) {
  static_assert(std::tuple_size_v<WrapBinding> ==
                kWrapDomain.size() + kHeaderSize + kDescriptionSize);
  WrapBinding binding;
  ByteWriter writer(binding);
  writer.Put(AsBytes(kWrapDomain));
  writer.Put(MakeHeader(kek));
  writer.Put(Describe(version));
  return binding;
}

std::vector<std::byte> JoinWrapped(const KekId& kek, Bytes sealed) {
  std::vector<std::byte> wrapped(kHeaderSize + sealed.size());
  ByteWriter writer(wrapped);
  writer.Put(MakeHeader(kek));
  writer.Put(sealed);
  return wrapped;
}

Result<WrappedParts> SplitWrapped(Bytes wrapped) {
  if (wrapped.size() <= kHeaderSize || wrapped[0] != kFormat)
    return Error{Code::kCorrupt, "not a wrapped key"};
  const Result<KekKind> kind = KekKindFromByte(wrapped[1]);
  if (!kind.ok()) return kind.error();
  WrappedParts parts{{kind.value(), {}}, wrapped.subspan(kHeaderSize)};
  std::copy_n(wrapped.begin() + 2, parts.kek.bytes.size(), parts.kek.bytes.begin());
  return parts;
}

}  // namespace bulla
