#include "core/emergency_code.h"

#include <algorithm>
#include <array>

#include "core/hex.h"
#include "core/secret_bytes.h"

namespace bulla {
namespace {

constexpr size_t kCodeBytes = 16;
constexpr size_t kGroup = 4;
constexpr std::string_view kDomain{"bulla.emergency.v1\0", 19};

using CodeBytes = std::array<std::byte, kCodeBytes>;

bool Digest(const CodeBytes& code, Sha256Digest* digest) {
  Sha256 hash;
  hash.Start();
  hash.Update(AsBytes(kDomain));
  hash.Update(code);
  return hash.Finish(digest);
}

constexpr char LowerCase(char c) {
  return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

Result<Sha256Digest> MakeEmergencyCode(Random& random, std::span<char, kEmergencyCodeSize> code) {
  CodeBytes bytes;
  if (auto filled = random.FillSecret(bytes); !filled.ok()) return filled.error();
  std::array<char, 2 * kCodeBytes> digits;
  EncodeHex(bytes, digits.data());
  for (size_t i = 0, at = 0; i < digits.size(); ++i) {
    if (i > 0 && i % kGroup == 0) code[at++] = '-';
    code[at++] = digits[i];
  }
  Sha256Digest digest;
  const bool made = Digest(bytes, &digest);
  Wipe(bytes);
  Wipe(std::as_writable_bytes(std::span(digits)));
  if (!made) return Error{Code::kInternal, "SHA-256 failed"};
  return digest;
}

std::optional<Sha256Digest> DigestOfEmergencyCode(std::string_view typed) {
  std::array<char, 2 * kCodeBytes> digits;
  size_t count = 0;
  for (const char c : typed) {
    if (c == '-' || c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    if (count == digits.size()) return std::nullopt;
    digits[count++] = LowerCase(c);
  }
  CodeBytes bytes;
  Sha256Digest digest;
  const bool is_code = DecodeHex({digits.data(), count}, bytes) && Digest(bytes, &digest);
  Wipe(bytes);
  Wipe(std::as_writable_bytes(std::span(digits)));
  if (!is_code) return std::nullopt;
  return digest;
}

bool SameDigest(const Sha256Digest& a, const Sha256Digest& b) {
  return ConstantTimeEqual(a.bytes, b.bytes);
}

int64_t DelayOfAttempt(int64_t attempt) {
  constexpr int64_t kFree = 3;
  constexpr int64_t kLongest = 30'000;
  if (attempt <= kFree) return 0;
  // 2^5 seconds are more than the longest already.
  return std::min(int64_t{1'000} << std::min<int64_t>(attempt - kFree - 1, 5), kLongest);
}

}  // namespace bulla
