#include "core/envelope.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>

namespace bulla {
namespace {

constexpr std::string_view kAadDomain("bulla.aad.v1\0", 13);

// The associated data: domain | header | kind | length of the context | context. A context of usual
// length is copied behind the rest, a longer one stays where it is: each piece costs a call of
// OpenSSL, a tenth of sealing a short value.
class AssociatedData {
 public:
  AssociatedData(Bytes header, PlaintextKind kind, Bytes context) {
    ByteWriter writer(room_);
    writer.Put(AsBytes(kAadDomain));
    writer.Put(header);
    writer.PutByte(static_cast<uint8_t>(kind));
    writer.PutU32(static_cast<uint32_t>(context.size()));
    const bool fits = context.size() <= room_.size() - writer.size();
    if (fits) writer.Put(context);
    pieces_ = {writer.written(), fits ? Bytes{} : context};
  }
  AssociatedData(const AssociatedData&) = delete;
  AssociatedData& operator=(const AssociatedData&) = delete;

  std::span<const Bytes> pieces() const { return pieces_; }

 private:
  std::array<std::byte, 128> room_;
  std::array<Bytes, 2> pieces_;
};

Result<void> CheckContext(Bytes context) {
  if (context.size() <= std::numeric_limits<uint32_t>::max()) return {};
  return Error{Code::kInvalidArgument, "context is too long"};
}

Error NotAnEnvelope() { return Error{Code::kCorrupt, "value is not an encrypted value"}; }

Error Damaged() {
  return Error{Code::kAuthenticationFailed,
               "value was altered, or encrypted with another context or as another type"};
}

Error CutOff() {
  return Error{Code::kCorrupt, "encrypted value was cut off, or has bytes too many"};
}

}  // namespace

bool IsEnvelope(Bytes bytes) {
  return !bytes.empty() && bytes[0] == kEnvelopeFormat && Envelope::Parse(bytes).ok();
}

bool IsEnvelopeText(std::string_view text) { return text.starts_with(kEnvelopeTextPrefix); }

Result<Envelope> Envelope::Parse(Bytes bytes) {
  if (bytes.empty() || bytes[0] != kEnvelopeFormat) return NotAnEnvelope();
  if (bytes.size() < kEnvelopeHeaderSize) return CutOff();
  const Result<Algorithm> algorithm = AlgorithmFromByte(bytes[1]);
  if (!algorithm.ok()) return algorithm.error();
  const AeadShape shape = ShapeOf(algorithm.value());
  const Bytes message = bytes.subspan(kEnvelopeHeaderSize);
  if (message.size() < shape.nonce || !shape.HasSealedSize(message.size() - shape.nonce))
    return CutOff();
  Envelope envelope;
  envelope.header = bytes.first(kEnvelopeHeaderSize);
  envelope.algorithm = algorithm.value();
  std::copy_n(bytes.begin() + 2, envelope.version.bytes.size(), envelope.version.bytes.begin());
  envelope.nonce = message.first(shape.nonce);
  envelope.sealed = message.subspan(shape.nonce);
  return envelope;
}

Result<void> DecodeEnvelopeText(std::string_view text, MutableBytes bytes) {
  if (!IsEnvelopeText(text)) return NotAnEnvelope();
  if (bytes.empty()) return CutOff();
  if (!DecodeBase64Url(text.substr(kEnvelopeTextPrefix.size()), bytes))
    return Error{Code::kCorrupt, "encrypted value is damaged: not canonical base64url"};
  return {};
}

Result<EnvelopeCipher> EnvelopeCipher::Create(Algorithm algorithm, const VersionId& version,
                                              const SecretBytes& data_key) {
  Result<std::unique_ptr<Aead>> cipher = MakeAead(algorithm, data_key);
  if (!cipher.ok()) return cipher.error();
  return EnvelopeCipher(algorithm, version, std::move(cipher).value());
}

Result<void> EnvelopeCipher::Seal(PlaintextKind kind, Bytes context, Bytes plaintext,
                                  Random& random, MutableBytes envelope) {
  if (envelope.size() != EnvelopeSize(algorithm_, plaintext.size()))
    return Error{Code::kInvalidArgument, "size of the output does not fit the plaintext"};
  if (Result<void> checked = CheckContext(context); !checked.ok()) return checked;
  const MutableBytes header = envelope.first(kEnvelopeHeaderSize);
  header[0] = kEnvelopeFormat;
  header[1] = static_cast<std::byte>(algorithm_);
  std::copy(version_.bytes.begin(), version_.bytes.end(), header.begin() + 2);
  const MutableBytes message = envelope.subspan(kEnvelopeHeaderSize);
  const MutableBytes nonce = message.first(ShapeOf(algorithm_).nonce);
  if (Result<void> filled = random.Fill(nonce); !filled.ok()) return filled;
  const AssociatedData associated_data(header, kind, context);
  return cipher_->Seal(nonce, associated_data.pieces(), plaintext, message.subspan(nonce.size()));
}

Result<void> EnvelopeCipher::SealText(PlaintextKind kind, Bytes context, Bytes plaintext,
                                      Random& random, std::span<char> text) {
  if (text.size() != EnvelopeTextSize(algorithm_, plaintext.size()))
    return Error{Code::kInvalidArgument, "size of the output does not fit the plaintext"};
  // Sealed at the end of the caller's buffer, then spread out over all of it.
  const MutableBytes envelope =
      std::as_writable_bytes(text.last(EnvelopeSize(algorithm_, plaintext.size())));
  if (Result<void> sealed = Seal(kind, context, plaintext, random, envelope); !sealed.ok())
    return sealed;
  std::copy(kEnvelopeTextPrefix.begin(), kEnvelopeTextPrefix.end(), text.begin());
  EncodeBase64Url(envelope, text.subspan(kEnvelopeTextPrefix.size()));
  return {};
}

Result<size_t> EnvelopeCipher::Open(const Envelope& envelope, PlaintextKind kind, Bytes context,
                                    MutableBytes plaintext) {
  if (envelope.version != version_)
    return Error{Code::kInvalidArgument, "another key version sealed this value"};
  if (Result<void> checked = CheckContext(context); !checked.ok()) return checked.error();
  // The header is part of the associated data, so another algorithm in it does not open.
  if (envelope.algorithm != algorithm_) {
    Wipe(plaintext);
    return Damaged();
  }
  const AssociatedData associated_data(envelope.header, kind, context);
  Result<size_t> opened =
      cipher_->Open(envelope.nonce, associated_data.pieces(), envelope.sealed, plaintext);
  if (opened.ok() || opened.error().code != Code::kAuthenticationFailed) return opened;
  return Damaged();
}

}  // namespace bulla
