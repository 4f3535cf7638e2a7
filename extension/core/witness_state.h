// What a witness has to remember: whom it trusts, and what it cosigned last of each log. docs/spec/witness-state.md.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/checkpoint.h"
#include "core/cosignature.h"
#include "core/note.h"
#include "core/verifier_key.h"

namespace bulla {

struct CosignedCheckpoint {
  SignedNote note;        // with the log's signatures, and nobody else's
  Checkpoint checkpoint;  // the text of the note, parsed
  PosixTime time;         // of the last cosignature
};

// A log with neither key nor checkpoint is not remembered.
struct WitnessedLog {
  std::vector<VerifierKey> keys;  // trusted for the origin, of type kNote
  std::optional<CosignedCheckpoint> newest;
};

struct WitnessState {
  VerifierKey witness;
  PosixTime time;                                         // no cosignature was of a later time
  std::map<std::string, WitnessedLog, std::less<>> logs;  // by origin
};

// More than a witness of some ten thousand logs needs.
inline constexpr size_t kMaxWitnessStateSize = 64'000'000;

// The text, with the signature of the witness's key at its end. kInvalidArgument where ParseWitnessState would not read it.
Result<std::string> FormatWitnessState(const WitnessState& state, const Ed25519Signer& signer);

// Strict: what is accepted is what FormatWitnessState writes, but for the signature, which is not looked at.
// kCorrupt.
Result<WitnessState> ParseWitnessState(std::string_view text);

// A state that this witness wrote, and nobody else. kFailedPrecondition where it says that it is of another key; kCorrupt
// where it was cut off or changed.
Result<WitnessState> ReadWitnessState(std::string_view text, const VerifierKey& witness);

}  // namespace bulla
