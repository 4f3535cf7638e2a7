#include "core/sealed_search.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/base64.h"
#include "core/envelope.h"
#include "core/hex.h"

namespace bulla {
namespace {

using Header = std::array<std::byte, kEnvelopeHeaderSize>;

// A header has a multiple of three bytes: in base64url it stands apart from what follows it.
static_assert(kEnvelopeHeaderSize % 3 == 0);

}  // namespace

void SealedSearch::Add(const VersionId& version) {
  versions_.insert(std::lower_bound(versions_.begin(), versions_.end(), version), version);
}

std::optional<VersionId> SealedSearch::FindIn(Bytes value) const {
  if (value.size() < kEnvelopeHeaderSize) return std::nullopt;
  if (const auto found = FindBytes(value)) return found;
  if (const auto found = FindText(value)) return found;
  return FindHex(value);
}

// Format and id; the algorithm's byte between them is whatever a later Bulla defines.
std::optional<VersionId> SealedSearch::MatchHeader(Bytes header) const {
  if (header[0] != kEnvelopeFormat) return std::nullopt;
  VersionId version;
  std::copy_n(header.begin() + 2, version.bytes.size(), version.bytes.begin());
  if (!std::binary_search(versions_.begin(), versions_.end(), version)) return std::nullopt;
  return version;
}

std::optional<VersionId> SealedSearch::FindBytes(Bytes value) const {
  const std::string_view text = AsText(value);
  const char format = std::to_integer<char>(kEnvelopeFormat);
  for (size_t at = 0; (at = text.find(format, at)) != text.npos; ++at) {
    if (value.size() - at < kEnvelopeHeaderSize) return std::nullopt;
    if (const auto version = MatchHeader(value.subspan(at, kEnvelopeHeaderSize))) return version;
  }
  return std::nullopt;
}

std::optional<VersionId> SealedSearch::FindText(Bytes value) const {
  constexpr size_t kDigits = Base64UrlSize(kEnvelopeHeaderSize);
  const std::string_view text = AsText(value);
  for (size_t at = 0; (at = text.find(kEnvelopeTextPrefix, at)) != text.npos; ++at) {
    const std::string_view digits = text.substr(at + kEnvelopeTextPrefix.size(), kDigits);
    Header header;
    if (digits.size() < kDigits) return std::nullopt;
    if (!DecodeBase64Url(digits, header)) continue;
    if (const auto version = MatchHeader(header)) return version;
  }
  return std::nullopt;
}

std::optional<VersionId> SealedSearch::FindHex(Bytes value) const {
  constexpr size_t kDigits = 2 * kEnvelopeHeaderSize;
  const std::string_view text = AsText(value);
  for (size_t at = 0; (at = text.find("b1", at)) != text.npos; ++at) {
    Header header;
    if (text.size() - at < kDigits) return std::nullopt;
    if (!DecodeHex(text.substr(at, kDigits), header)) continue;
    if (const auto version = MatchHeader(header)) return version;
  }
  return std::nullopt;
}

}  // namespace bulla
