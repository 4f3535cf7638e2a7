// The code that ends emergency mode: 128 random bits, in eight groups of four hexadecimal digits. Only its
// digest is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/random.h"
#include "core/result.h"
#include "core/sha256.h"

namespace bulla {

// 6f1c-02b9-…: for a person to write down and type again.
inline constexpr size_t kEmergencyCodeSize = 39;

// Writes a new code, and returns its digest: SHA-256("bulla.emergency.v1" 0x00 | the code's 16 bytes).
Result<Sha256Digest> MakeEmergencyCode(Random& random, std::span<char, kEmergencyCodeSize> code);

// The digest of a code as somebody typed it: hyphens, blanks and the case of digits do not matter. None where
// it cannot be a code, or SHA-256 is not there.
std::optional<Sha256Digest> DigestOfEmergencyCode(std::string_view typed);

// In a time that does not tell how much of the two is equal.
bool SameDigest(const Sha256Digest& a, const Sha256Digest& b);

// How many milliseconds the nth attempt since the mode began is made to wait before it is judged: none for the
// first three, then 1 second, twice as long each time, never more than 30.
int64_t DelayOfAttempt(int64_t attempt);

}  // namespace bulla
