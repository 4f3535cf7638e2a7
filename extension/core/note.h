// Signed notes (C2SP signed-note): a text and the signatures under it. docs/spec/checkpoint.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/ed25519.h"
#include "core/result.h"
#include "core/verifier_key.h"

namespace bulla {

// What is refused for its size alone, before anything is made of it.
inline constexpr size_t kMaxNoteSize = 1'000'000;
inline constexpr size_t kMaxNoteSignatures = 100;

// One signature line. What its bytes mean depends on the type of the key, which only who knows the key knows.
struct NoteSignature {
  std::string name;
  NoteKeyId id;
  std::vector<std::byte> bytes;  // one at least
  bool operator==(const NoteSignature&) const = default;
};

// "— name base64(id | bytes)" and a line feed.
std::string FormatSignatureLine(const NoteSignature& signature);

// Lines of this form and nothing else, up to kMaxNoteSignatures: what a witness answers. kInvalidArgument.
Result<std::vector<NoteSignature>> ParseSignatureLines(std::string_view lines);

struct SignedNote {
  std::string text;  // ends in a line feed
  std::vector<NoteSignature> signatures;
};

// Strict: a note that is accepted is what FormatNote writes. It does not say that any signature is right.
// kInvalidArgument.
Result<SignedNote> ParseNote(std::string_view note);
std::string FormatNote(const SignedNote& note);

// Whether the text could stand in a note: UTF-8, ends in a line feed, no control character but line feeds.
bool IsNoteText(std::string_view text);

// A signature of type kNote. kInvalidArgument where name or text are none.
Result<NoteSignature> SignNote(std::string_view text, std::string_view name,
                               const Ed25519Signer& signer);

// Whether the key, of type kNote, signed the text. False where no line is of the key: signatures of others do not matter.
// kAuthenticationFailed where a line says that it is (by name and id) and is not; one such line spoils the note.
Result<bool> IsSignedBy(const SignedNote& note, const VerifierKey& key);

}  // namespace bulla
