#include "core/blind_index.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "core/hkdf.h"
#include "core/hmac_sha256.h"

namespace bulla {
namespace {

constexpr std::string_view kDomain("bulla.index.v1\0", 15);
constexpr size_t kContextKeySize = 32;

}  // namespace

Result<size_t> BlindIndexSize(int bits) {
  if (bits < 8 || bits > 256 || bits % 8 != 0)
    return Error{Code::kInvalidArgument,
                 "a blind index cannot have " + std::to_string(bits) + " bits",
                 "Allowed: multiples of 8 from 8 to 256."};
  return static_cast<size_t>(bits) / 8;
}

Result<BlindIndexKey> BlindIndexKey::Create(SecretBytes data_key) {
  if (data_key.size() != kKeySize)
    return Error{Code::kInvalidArgument, "a key of purpose index has 32 bytes"};
  return BlindIndexKey(std::move(data_key));
}

// The context ends the string that is derived from, so it needs no length.
Result<void> BlindIndexKey::DeriveFor(Bytes context) {
  if (context.size() > kMaxContextSize)
    return Error{Code::kInvalidArgument, "the context of a blind index has more than " +
                                             std::to_string(kMaxContextSize) + " bytes"};
  std::array<std::byte, kDomain.size() + kMaxContextSize> info;
  ByteWriter writer(info);
  writer.Put(AsBytes(kDomain));
  writer.Put(context);
  Result<SecretBytes> derived = SecretBytes::Allocate(kContextKeySize);
  if (!derived.ok()) return derived.error();
  const Result<void> made = HkdfSha256(data_key_.RevealSecretBytes(), {}, writer.written(),
                                       derived.value().RevealSecretBytes());
  if (!made.ok()) return made;
  context_.assign(AsText(context));  // may throw: before the key that it goes with
  context_key_ = std::move(derived).value();
  return {};
}

Result<void> BlindIndexKey::Compute(Bytes context, Bytes value, MutableBytes index) {
  Sha256Digest mac;
  if (index.empty() || index.size() > mac.bytes.size())
    return Error{Code::kInvalidArgument, "size of output does not fit"};
  if (context_key_.size() == 0 || AsText(context) != context_) {
    context_key_ = SecretBytes();  // never the key of one context with the name of another
    const Result<void> derived = DeriveFor(context);
    if (!derived.ok()) return derived;
  }
  if (!HmacSha256(context_key_.RevealSecretBytes(), {value}, &hasher_, &mac))
    return ossl::DrainErrors("HMAC-SHA-256");
  std::copy_n(mac.bytes.begin(), index.size(), index.begin());
  return {};
}

}  // namespace bulla
