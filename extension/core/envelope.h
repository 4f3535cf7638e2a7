// The envelope: what a sealed value looks like in a column. docs/spec/envelope.md.
//
//   format byte | algorithm byte | version id (16) | nonce (24) | ciphertext | tag (16)
//
// In text columns: "bulla1:" and the same bytes in base64url.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "core/base64.h"
#include "core/bytes.h"
#include "core/key_version.h"
#include "core/random.h"
#include "core/result.h"
#include "core/secret_bytes.h"
#include "core/xaes_gcm.h"

namespace bulla {

// The type of what was sealed, part of the associated data: a sealed bytea never opens as text,
// whose encoding nobody would have checked.
enum class PlaintextKind : uint8_t { kText = 1, kBytea = 2 };

// No UTF-8 text begins with it (it can only continue a character), and none of the common binary
// formats, pgcrypto's OpenPGP messages among them.
inline constexpr std::byte kEnvelopeFormat{0xB1};
inline constexpr std::string_view kEnvelopeTextPrefix = "bulla1:";
inline constexpr size_t kEnvelopeHeaderSize = 18;
inline constexpr size_t kEnvelopeOverhead =
    kEnvelopeHeaderSize + XaesGcm::kNonceSize + XaesGcm::kTagSize;  // 58

// Sizes, forth and back. The inverse ones have no value for a size that no envelope has.
constexpr size_t EnvelopeSize(size_t plaintext_size) { return kEnvelopeOverhead + plaintext_size; }
constexpr size_t EnvelopeTextSize(size_t plaintext_size) {
  return kEnvelopeTextPrefix.size() + Base64UrlSize(EnvelopeSize(plaintext_size));
}
constexpr std::optional<size_t> EnvelopePlaintextSize(size_t envelope_size) {
  if (envelope_size < kEnvelopeOverhead) return std::nullopt;
  return envelope_size - kEnvelopeOverhead;
}
constexpr std::optional<size_t> EnvelopeTextPlaintextSize(size_t text_size) {
  if (text_size < EnvelopeTextSize(0)) return std::nullopt;
  const size_t encoded = text_size - kEnvelopeTextPrefix.size();
  if (encoded % 4 == 1) return std::nullopt;
  return EnvelopePlaintextSize(Base64UrlDecodedSize(encoded));
}

// Whether a value claims to be an envelope. For bytes: format, a defined algorithm and the least
// size. For text the prefix alone, so that a damaged envelope is an error to who opens it, and is
// never taken for plaintext.
bool IsEnvelope(Bytes bytes);
bool IsEnvelopeText(std::string_view text);

// A parsed envelope: views into the caller's bytes, valid as long as these.
struct Envelope {
  Bytes header;
  Algorithm algorithm = Algorithm::kXaes256Gcm;
  VersionId version;  // tells the caller which key to open it with
  Bytes nonce;
  Bytes sealed;  // ciphertext and tag

  size_t plaintext_size() const { return XaesGcm::OpenedSize(sealed.size()); }

  // kCorrupt unless the bytes are an envelope; kFailedPrecondition where a later Bulla made it.
  static Result<Envelope> Parse(Bytes bytes);
};

// From text to the bytes that Parse() wants. `bytes` has just
// EnvelopeSize(*EnvelopeTextPlaintextSize(text.size())) bytes. kCorrupt unless the text is exactly
// what SealEnvelopeText writes.
Result<void> DecodeEnvelopeText(std::string_view text, MutableBytes bytes);

// The cipher of one key version: what a cache keeps once the data key is unwrapped, and the only
// thing that makes or opens envelopes. Not for two threads at once; no allocation on success.
class EnvelopeCipher {
 public:
  // kInvalidArgument when the data key's size is not the algorithm's.
  static Result<EnvelopeCipher> Create(Algorithm algorithm, const VersionId& version,
                                       const SecretBytes& data_key);

  const VersionId& version() const { return version_; }

  // `envelope` has just EnvelopeSize(plaintext.size()) bytes and does not overlap the plaintext; the
  // text form EnvelopeTextSize() characters. What was written before an error is worthless.
  Result<void> Seal(PlaintextKind kind, Bytes context, Bytes plaintext, Random& random,
                    MutableBytes envelope);
  Result<void> SealText(PlaintextKind kind, Bytes context, Bytes plaintext, Random& random,
                        std::span<char> text);

  // `plaintext` has just envelope.plaintext_size() bytes, and may be the very bytes of the
  // ciphertext (its first plaintext_size() bytes, in place). kInvalidArgument when another version
  // sealed it; kAuthenticationFailed when it was altered, or sealed with another context or kind:
  // then `plaintext` is zeros.
  Result<void> Open(const Envelope& envelope, PlaintextKind kind, Bytes context,
                    MutableBytes plaintext);

 private:
  EnvelopeCipher(const VersionId& version, XaesGcm cipher)
      : version_(version), cipher_(std::move(cipher)) {}

  VersionId version_;
  XaesGcm cipher_;
};

}  // namespace bulla
