#include "core/cosigned_note.h"

#include <algorithm>

namespace bulla {
namespace {

bool IsOf(const NoteSignature& line, const VerifierKey& key) {
  return line.name == key.name() && line.id == key.id();
}

// Lines of the key all verify, and begin with their time.
const NoteSignature& LineOf(const SignedNote& note, const VerifierKey& key, PosixTime time) {
  return *std::find_if(note.signatures.begin(), note.signatures.end(), [&](const auto& line) {
    return IsOf(line, key) && GetU64(line.bytes.data()) == time.seconds;
  });
}

void Replace(SignedNote* note, const VerifierKey& key, const NoteSignature& line) {
  std::erase_if(note->signatures, [&](const auto& other) { return IsOf(other, key); });
  note->signatures.push_back(line);
}

}  // namespace

Result<CosignedNote> AddCosignatures(const SignedNote& kept, const SignedNote& came,
                                     std::span<const VerifierKey> witnesses) {
  if (kept.text != came.text)
    return Error{Code::kInvalidArgument, "cosignatures are of another checkpoint"};
  CosignedNote result{kept, {}};
  for (const VerifierKey& key : witnesses) {
    const auto before = CosignedAt(kept, key);
    if (!before.ok()) return before.error();
    const auto now = CosignedAt(came, key);
    if (!now.ok()) return now.error();
    if (!before.value() && !now.value()) continue;
    if (now.value() > before.value()) Replace(&result.note, key, LineOf(came, key, *now.value()));
    result.cosigners.push_back({key.name(), *std::max(before.value(), now.value())});
  }
  std::sort(result.cosigners.begin(), result.cosigners.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return result;
}

}  // namespace bulla
