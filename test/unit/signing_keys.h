// Keys for tests of notes, and the vectors' own.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "core/cosignature.h"
#include "core/note.h"
#include "vectors.h"

namespace bulla {

inline Ed25519Signer SignerOf(Bytes seed) {
  return std::move(Ed25519Signer::Create(SecretBytes::CopyOf(seed).value())).value();
}
inline Ed25519Signer SignerOf(uint8_t seed_byte) {
  return SignerOf(std::vector<std::byte>(kEd25519SeedSize, std::byte{seed_byte}));
}

inline VerifierKey KeyOf(std::string_view text) {
  const Result<VerifierKey> key = VerifierKey::Parse(text);
  EXPECT_TRUE(key.ok()) << text;
  return key.value();
}
inline VerifierKey KeyOf(std::string_view name, const Ed25519Signer& signer,
                         SignatureType type = SignatureType::kNote) {
  return VerifierKey::Create(name, type, signer.public_key()).value();
}

// A checkpoint of the vectors and whatever else stands in that file.
inline nlohmann::json CheckpointVectors(const std::string& part) {
  return LoadVectors("checkpoint.json", part);
}

}  // namespace bulla
