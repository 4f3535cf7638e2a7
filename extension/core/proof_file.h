// A proof in a file, .tlog-proof (C2SP tlog-proof): that an entry is in a log, with the signed checkpoint it is shown
// against. docs/spec/checkpoint.md.
#pragma once

#include <optional>
#include <vector>

#include "core/checkpoint.h"
#include "core/note.h"

namespace bulla {

// More than a note with all its signatures and a record of the greatest size need.
inline constexpr size_t kMaxProofFileSize = 2 * kMaxNoteSize;

struct ProofFile {
  std::optional<std::vector<std::byte>> extra;  // for the application, and authenticated by nothing
  LeafIndex index;
  std::vector<NodeHash> proof;
  SignedNote note;
  Checkpoint checkpoint;  // the text of the note, parsed
};

// Strict: a file that is accepted is what FormatProofFile writes. Neither the proof nor a signature is checked.
// kInvalidArgument.
Result<ProofFile> ParseProofFile(std::string_view text);

// From all but the checkpoint, which is in the note.
std::string FormatProofFile(const ProofFile& file);

// Whether the leaf, which the verifier computed from the entry, is at this index of the tree of the checkpoint: the half
// of the proof that needs no key. Errors are those of CheckInclusion.
Result<void> CheckProofFile(const ProofFile& file, const NodeHash& leaf, Sha256* hasher);

// Hashes in base64, one on each line, up to the empty line, which is taken off as well: as this file and requests to
// witnesses have them. False where there is anything else, or more than kMaxProofLines.
inline constexpr size_t kMaxProofLines = 63;
bool TakeProofLines(std::string_view* text, std::vector<NodeHash>* hashes);
std::string FormatProofLines(std::span<const NodeHash> hashes);

}  // namespace bulla
