// The envelope parser under arbitrary bytes: as an envelope, and as the text of one. What parses keeps its
// promises about sizes, what decodes has one text only, and nothing opens under a key that sealed nothing.

#include <algorithm>
#include <string>
#include <vector>

#include "core/envelope.h"
#include "require.h"

namespace bulla {
namespace {

EnvelopeCipher CipherFor(const Envelope& envelope) {
  const SecretBytes key = SecretBytes::Allocate(DataKeySize(envelope.algorithm)).value();
  return std::move(EnvelopeCipher::Create(envelope.algorithm, envelope.version, key)).value();
}

void TryBytes(Bytes bytes) {
  const Result<Envelope> parsed = Envelope::Parse(bytes);
  Require(parsed.ok() == IsEnvelope(bytes));
  if (!parsed.ok()) {
    Require(parsed.error().code == Code::kCorrupt);
    return;
  }
  const Envelope& envelope = parsed.value();
  Require(envelope.header.size() + envelope.nonce.size() + envelope.sealed.size() == bytes.size());
  std::vector<std::byte> plaintext(envelope.plaintext_room(), std::byte{0xEE});
  const Result<size_t> opened =
      CipherFor(envelope).Open(envelope, PlaintextKind::kText, AsBytes("context"), plaintext);
  Require(!opened.ok() && opened.error().code == Code::kAuthenticationFailed);
  Require(std::all_of(plaintext.begin(), plaintext.end(),
                      [](std::byte byte) { return byte == std::byte{0}; }));
}

void TryText(std::string_view text) {
  const auto size = EnvelopeSizeInText(text.size());
  if (!size) return;
  std::vector<std::byte> bytes(*size);
  if (!DecodeEnvelopeText(text, bytes).ok()) return;
  std::string again(kEnvelopeTextPrefix);
  again.resize(text.size());
  EncodeBase64Url(bytes, std::span<char>(again).subspan(kEnvelopeTextPrefix.size()));
  Require(again == text);
  TryBytes(bytes);
}

}  // namespace
}  // namespace bulla

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const bulla::Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  bulla::TryBytes(bytes);
  bulla::TryText(bulla::AsText(bytes));
  return 0;
}
