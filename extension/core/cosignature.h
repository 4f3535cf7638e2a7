// Cosignatures (C2SP tlog-cosignature, cosignature/v1): a witness says that at this time this was the largest tree of
// the log that it had seen, and that it extends all it saw before. docs/spec/checkpoint.md.
#pragma once

#include <optional>

#include "core/note.h"

namespace bulla {

// Seconds since 1970-01-01 00:00 UTC. At most 2^63 - 1.
struct PosixTime {
  uint64_t seconds = 0;
  auto operator<=>(const PosixTime&) const = default;
};

// Of a checkpoint's text, by the witness of that name. kInvalidArgument where text, time or name are none.
Result<NoteSignature> Cosign(std::string_view text, PosixTime time, std::string_view name,
                             const Ed25519Signer& signer);

// The latest time at which the key, of type kCosignature, cosigned the note's text. Nothing where no line is of the key;
// kAuthenticationFailed where a line says that it is (by name and id) and is not.
Result<std::optional<PosixTime>> CosignedAt(const SignedNote& note, const VerifierKey& key);

}  // namespace bulla
