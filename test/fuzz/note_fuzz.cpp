// Signed notes, signature lines and verifier keys under arbitrary bytes: what parses is what would have been written, and no
// key that signed nothing is found to have signed.

#include "core/cosignature.h"
#include "core/note.h"
#include "require.h"

namespace bulla {
namespace {

// Named like the signer of each line, with a key that signed nothing.
VerifierKey Stranger(std::string_view name, SignatureType type) {
  Ed25519PublicKey key;
  key.bytes.fill(std::byte{0xAA});
  return VerifierKey::Create(name, type, key).value();
}

void TryNote(std::string_view text) {
  const Result<SignedNote> note = ParseNote(text);
  if (!note.ok()) return;
  Require(FormatNote(note.value()) == text);
  Require(IsNoteText(note.value().text));
  for (const NoteSignature& line : note.value().signatures) {
    Require(IsKeyName(line.name));
    const Result<bool> by_log = IsSignedBy(note.value(), Stranger(line.name, SignatureType::kNote));
    Require(!by_log.ok() || !by_log.value());
    const auto by_witness =
        CosignedAt(note.value(), Stranger(line.name, SignatureType::kCosignature));
    Require(!by_witness.ok() || !by_witness.value());
  }
}

void TryLines(std::string_view text) {
  const auto lines = ParseSignatureLines(text);
  if (!lines.ok()) return;
  std::string again;
  for (const NoteSignature& line : lines.value()) again += FormatSignatureLine(line);
  Require(again == text);
}

void TryKey(std::string_view text) {
  const Result<VerifierKey> key = VerifierKey::Parse(text);
  if (!key.ok()) return;
  Require(key.value().ToText() == text);
  Require(IsKeyName(key.value().name()));
}

}  // namespace
}  // namespace bulla

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  bulla::TryNote(text);
  bulla::TryLines(text);
  bulla::TryKey(text);
  return 0;
}
