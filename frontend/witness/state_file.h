// The file with the witness's state: one, locked, and that of its key. docs/adr/0009-witness-state.md.
#pragma once

#include <string>

#include "core/witness_state.h"
#include "witness/witness_key.h"

namespace bulla::witness {

// The state is not what the key has signed last, as far as can be told: to go on could contradict it.
struct StateError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// As it is now, whoever has its lock. Throws as StateFile does.
WitnessState ReadState(const std::string& path, const VerifierKey& witness);

// Key and state together, locked for this process.
class StateFile {
 public:
  // The two files of a new witness. The key comes last: one that is there has had its state. Throws FileError where one of them is there
  // already.
  static VerifierKey Create(const std::string& key_path, const std::string& path,
                            const std::string& name,
                            std::map<std::string, WitnessedLog, std::less<>> logs);

  // Throws std::runtime_error: StateError where the state is missing, torn, edited or another key's.
  StateFile(const std::string& key_path, const std::string& path);

  const WitnessState& state() const { return state_; }
  const VerifierKey& verifier() const { return key_.verifier; }
  const std::string& path() const { return path_; }

  // On disk when it returns. Throws std::runtime_error; then state() is what it was.
  void Replace(WitnessState state);

  // Of what state() holds, or what that extends, and of nothing else: what is signed is on disk.
  NoteSignature Cosign(const CosignedCheckpoint& checkpoint) const;

 private:
  std::string path_;
  WitnessKey key_;
  File file_;
  WitnessState state_;
};

}  // namespace bulla::witness
