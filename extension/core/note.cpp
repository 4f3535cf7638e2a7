#include "core/note.h"

#include <algorithm>

#include "core/base64.h"
#include "core/utf8.h"

namespace bulla {
namespace {

constexpr std::string_view kDash = "\xE2\x80\x94 ";  // an em dash and a space
constexpr size_t kIdSize = 4;

Error Malformed(std::string_view why) {
  return {Code::kInvalidArgument, "malformed signed note: " + std::string(why)};
}

// Of a line without its line feed.
bool ParseSignatureLine(std::string_view line, NoteSignature* signature) {
  if (!line.starts_with(kDash)) return false;
  line.remove_prefix(kDash.size());
  const size_t space = line.find(' ');
  if (space == line.npos || !IsKeyName(line.substr(0, space))) return false;
  signature->name = line.substr(0, space);
  const std::string_view text = line.substr(space + 1);
  if (text.empty() || text.size() % 4 != 0) return false;
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  std::vector<std::byte> bytes(text.size() / 4 * 3 - padding);
  if (bytes.size() <= kIdSize || !DecodeBase64(text, bytes)) return false;
  signature->id = NoteKeyId{GetU32(bytes.data())};
  signature->bytes.assign(bytes.begin() + kIdSize, bytes.end());
  return true;
}

}  // namespace

bool IsNoteText(std::string_view text) {
  if (!text.ends_with('\n')) return false;
  while (!text.empty()) {
    const auto character = TakeCharacter(&text);
    if (!character || (*character < 0x20 && *character != U'\n')) return false;
  }
  return true;
}

std::string FormatSignatureLine(const NoteSignature& signature) {
  std::vector<std::byte> bytes(kIdSize);
  PutU32(bytes.data(), signature.id.value);
  bytes.insert(bytes.end(), signature.bytes.begin(), signature.bytes.end());
  std::string line(kDash);
  line.append(signature.name).append(" ");
  const size_t text_at = line.size();
  line.resize(text_at + Base64Size(bytes.size()));
  EncodeBase64(bytes, std::span<char>(line).subspan(text_at));
  return line.append("\n");
}

Result<std::vector<NoteSignature>> ParseSignatureLines(std::string_view lines) {
  if (lines.size() > kMaxNoteSize) return Malformed("it is too long");
  std::vector<NoteSignature> signatures;
  while (!lines.empty()) {
    const size_t end = lines.find('\n');
    if (end == lines.npos) return Malformed("the last line does not end");
    if (signatures.size() == kMaxNoteSignatures) return Malformed("it has too many signatures");
    if (!ParseSignatureLine(lines.substr(0, end), &signatures.emplace_back()))
      return Malformed("a line under the text is no signature");
    lines.remove_prefix(end + 1);
  }
  return signatures;
}

Result<SignedNote> ParseNote(std::string_view note) {
  if (note.size() > kMaxNoteSize) return Malformed("it is too long");
  if (!IsNoteText(note)) return Malformed("it is not lines of UTF-8 without control characters");
  const size_t blank = note.rfind("\n\n");
  if (blank == note.npos) return Malformed("no empty line ends the text");
  Result<std::vector<NoteSignature>> signatures = ParseSignatureLines(note.substr(blank + 2));
  if (!signatures.ok()) return signatures.error();
  if (signatures.value().empty()) return Malformed("it has no signature");
  return SignedNote{std::string(note.substr(0, blank + 1)), std::move(signatures).value()};
}

std::string FormatNote(const SignedNote& note) {
  std::string text = note.text + "\n";
  for (const NoteSignature& signature : note.signatures) text += FormatSignatureLine(signature);
  return text;
}

Result<NoteSignature> SignNote(std::string_view text, std::string_view name,
                               const Ed25519Signer& signer) {
  if (!IsNoteText(text)) return Malformed("it is not lines of UTF-8 without control characters");
  const Result<VerifierKey> key =
      VerifierKey::Create(name, SignatureType::kNote, signer.public_key());
  if (!key.ok()) return key.error();
  const Result<Ed25519Signature> signature = signer.Sign(AsBytes(text));
  if (!signature.ok()) return signature.error();
  const auto& bytes = signature.value().bytes;
  return NoteSignature{std::string(name), key.value().id(), {bytes.begin(), bytes.end()}};
}

Result<bool> IsSignedBy(const SignedNote& note, const VerifierKey& key) {
  if (key.type() != SignatureType::kNote)
    return Error{Code::kInvalidArgument, "the key of " + key.name() + " is one of a witness"};
  bool found = false;
  for (const NoteSignature& line : note.signatures) {
    if (line.name != key.name() || line.id != key.id()) continue;
    Ed25519Signature signature;
    bool verified = line.bytes.size() == signature.bytes.size();
    if (verified) {
      std::copy(line.bytes.begin(), line.bytes.end(), signature.bytes.begin());
      const Result<bool> checked = VerifyEd25519(key.key(), AsBytes(note.text), signature);
      if (!checked.ok()) return checked.error();
      verified = checked.value();
    }
    if (!verified)
      return Error{Code::kAuthenticationFailed, "signature of " + key.name() + " does not verify"};
    found = true;
  }
  return found;
}

}  // namespace bulla
