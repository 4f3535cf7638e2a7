// The envelope: what a sealed value looks like in a column. docs/spec/envelope.md.
//
//   format byte | algorithm byte | version id (16) | nonce | ciphertext | tag
//
// In text columns: "bulla1:" and the same bytes in base64url.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "core/aead.h"
#include "core/base64.h"
#include "core/bytes.h"
#include "core/key_version.h"
#include "core/random.h"
#include "core/result.h"
#include "core/secret_bytes.h"

namespace bulla {

// The type of what was sealed, part of the associated data: a sealed bytea never opens as text,
// whose encoding nobody would have checked.
enum class PlaintextKind : uint8_t { kText = 1, kBytea = 2 };

// No UTF-8 text begins with it (it can only continue a character), and none of the common binary
// formats, pgcrypto's OpenPGP messages among them.
inline constexpr std::byte kEnvelopeFormat{0xB1};
inline constexpr std::string_view kEnvelopeTextPrefix = "bulla1:";
inline constexpr size_t kEnvelopeHeaderSize = 18;

// Sizes: of the envelope, of its text, and of the envelope in a text (none for a size that no text has).
constexpr size_t EnvelopeSize(Algorithm algorithm, size_t plaintext_size) {
  const AeadShape shape = ShapeOf(algorithm);
  return kEnvelopeHeaderSize + shape.nonce + shape.SealedSize(plaintext_size);
}
constexpr size_t EnvelopeTextSize(Algorithm algorithm, size_t plaintext_size) {
  return kEnvelopeTextPrefix.size() + Base64UrlSize(EnvelopeSize(algorithm, plaintext_size));
}
constexpr std::optional<size_t> EnvelopeSizeInText(size_t text_size) {
  if (text_size < kEnvelopeTextPrefix.size()) return std::nullopt;
  const size_t encoded = text_size - kEnvelopeTextPrefix.size();
  if (encoded % 4 == 1) return std::nullopt;
  return Base64UrlDecodedSize(encoded);
}

// Whether a value claims to be an envelope. For bytes: format, a defined algorithm and a size that
// it makes. For text the prefix alone, so that a damaged envelope is an error to who opens it, and is
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

  // Room that opening needs: at most 16 bytes more than the plaintext.
  size_t plaintext_room() const { return ShapeOf(algorithm).OpenedRoom(sealed.size()); }

  // kCorrupt unless the bytes are an envelope.
  static Result<Envelope> Parse(Bytes bytes);
};

// From text to the bytes that Parse() wants. `bytes` has just *EnvelopeSizeInText(text.size()) bytes. kCorrupt unless the text is exactly
// what SealEnvelopeText writes.
Result<void> DecodeEnvelopeText(std::string_view text, MutableBytes bytes);

// The cipher of one key version: what a cache keeps once the data key is unwrapped, and the only
// thing that makes or opens envelopes. Not for two threads at once; no allocation on success.
class EnvelopeCipher {
 public:
  // kInvalidArgument when the data key's size is not the algorithm's.
  static Result<EnvelopeCipher> Create(Algorithm algorithm, const VersionId& version,
                                       const SecretBytes& data_key);

  Algorithm algorithm() const { return algorithm_; }
  const VersionId& version() const { return version_; }

  // `envelope` has just EnvelopeSize(algorithm(), plaintext.size()) bytes and does not overlap the plaintext;
  // the text form EnvelopeTextSize() characters. What was written before an error is worthless.
  Result<void> Seal(PlaintextKind kind, Bytes context, Bytes plaintext, Random& random,
                    MutableBytes envelope);
  Result<void> SealText(PlaintextKind kind, Bytes context, Bytes plaintext, Random& random,
                        std::span<char> text);

  // `plaintext` has just envelope.plaintext_room() bytes, and may be the very bytes of the ciphertext (in
  // place); returns how many of them, from the first, are the plaintext. kInvalidArgument when another
  // version sealed it; kAuthenticationFailed when it was altered, or sealed with another context or kind:
  // then `plaintext` is zeros.
  Result<size_t> Open(const Envelope& envelope, PlaintextKind kind, Bytes context,
                      MutableBytes plaintext);

 private:
  EnvelopeCipher(Algorithm algorithm, const VersionId& version, std::unique_ptr<Aead> cipher)
      : algorithm_(algorithm), version_(version), cipher_(std::move(cipher)) {}

  Algorithm algorithm_;
  VersionId version_;
  std::unique_ptr<Aead> cipher_;
};

}  // namespace bulla
