// The witness's key, in a file that nobody else may read. docs/spec/witness-state.md.
#pragma once

#include <string>

#include "core/ed25519.h"
#include "core/verifier_key.h"
#include "witness/files.h"

namespace bulla::witness {

struct WitnessKey {
  VerifierKey verifier;
  Ed25519Signer signer;
  File file;  // keeps the lock: a key has one witness at a time
};

// A new key, in no file yet. Throws std::runtime_error where the name is none or there is no randomness.
class NewKey {
 public:
  explicit NewKey(const std::string& name);

  const VerifierKey& verifier() const { return verifier_; }
  const Ed25519Signer& signer() const { return signer_; }

  // Mode 0600; nothing may be there. Throws FileError.
  void Write(const std::string& path) const;

 private:
  explicit NewKey(const std::string& name, SecretBytes seed);

  SecretBytes seed_;
  Ed25519Signer signer_;
  VerifierKey verifier_;
};

// Locks and reads it. Throws std::runtime_error with one plain sentence, which holds nothing of the key: where there is none, somebody
// else may read it, another process has it, or it is no key.
WitnessKey OpenKey(const std::string& path);

// Without the lock: whose it is.
VerifierKey ReadVerifierKey(const std::string& path);

}  // namespace bulla::witness
