#include "core/cosignature.h"

#include <algorithm>

namespace bulla {
namespace {

constexpr size_t kTimeSize = 8;
constexpr uint64_t kMaxSeconds = (uint64_t{1} << 63) - 1;

std::string CosignedMessage(std::string_view text, PosixTime time) {
  std::string message = "cosignature/v1\ntime " + std::to_string(time.seconds) + "\n";
  return message.append(text);
}

// The time of a signature that verifies.
Result<std::optional<PosixTime>> TimeIn(const NoteSignature& line, std::string_view text,
                                        const Ed25519PublicKey& key) {
  Ed25519Signature signature;
  if (line.bytes.size() != kTimeSize + signature.bytes.size()) return std::optional<PosixTime>{};
  const PosixTime time{GetU64(line.bytes.data())};
  if (time.seconds > kMaxSeconds) return std::optional<PosixTime>{};
  std::copy(line.bytes.begin() + kTimeSize, line.bytes.end(), signature.bytes.begin());
  const Result<bool> verified = VerifyEd25519(key, AsBytes(CosignedMessage(text, time)), signature);
  if (!verified.ok()) return verified.error();
  return verified.value() ? std::optional<PosixTime>(time) : std::nullopt;
}

}  // namespace

Result<NoteSignature> Cosign(std::string_view text, PosixTime time, std::string_view name,
                             const Ed25519Signer& signer) {
  if (!IsNoteText(text)) return Error{Code::kInvalidArgument, "malformed text of a signed note"};
  if (time.seconds > kMaxSeconds)
    return Error{Code::kInvalidArgument, "time of a cosignature is out of range"};
  const Result<VerifierKey> key =
      VerifierKey::Create(name, SignatureType::kCosignature, signer.public_key());
  if (!key.ok()) return key.error();
  const Result<Ed25519Signature> signature = signer.Sign(AsBytes(CosignedMessage(text, time)));
  if (!signature.ok()) return signature.error();
  const auto& bytes = signature.value().bytes;
  std::vector<std::byte> timed(kTimeSize + bytes.size());
  PutU64(timed.data(), time.seconds);
  std::copy(bytes.begin(), bytes.end(), timed.begin() + kTimeSize);
  return NoteSignature{std::string(name), key.value().id(), std::move(timed)};
}

Result<std::optional<PosixTime>> CosignedAt(const SignedNote& note, const VerifierKey& key) {
  if (key.type() != SignatureType::kCosignature)
    return Error{Code::kInvalidArgument, "the key of " + key.name() + " is not one of a witness"};
  std::optional<PosixTime> latest;
  for (const NoteSignature& line : note.signatures) {
    if (line.name != key.name() || line.id != key.id()) continue;
    const auto time = TimeIn(line, note.text, key.key());
    if (!time.ok()) return time.error();
    if (!time.value())
      return Error{Code::kAuthenticationFailed,
                   "cosignature of " + key.name() + " does not verify"};
    latest = std::max(latest, time.value());
  }
  return latest;
}

}  // namespace bulla
