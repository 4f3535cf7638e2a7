#include "core/origin.h"

#include <algorithm>

#include "core/decimal.h"
#include "core/ed25519.h"
#include "core/hex.h"
#include "core/hkdf.h"

namespace bulla {
namespace {

constexpr std::string_view kChainDomain("bulla.chain.v1\0", 15);
constexpr std::string_view kKeyDomain("bulla.origin.v1\0", 16);
constexpr std::string_view kSingleChain = "0";
constexpr size_t kChainIdSize = 16;

// Where the dashes of a uuid stand.
constexpr size_t kUuidTextSize = 36;
constexpr size_t kDashes[] = {8, 13, 18, 23};

std::string FormatUuid(const LedgerId& id) {
  std::string digits(2 * id.bytes.size(), '\0');
  EncodeHex(id.bytes, digits.data());
  for (const size_t dash : kDashes) digits.insert(dash, "-");
  return digits;
}

bool ParseUuid(std::string_view text, LedgerId* id) {
  if (text.size() != kUuidTextSize) return false;
  std::string digits(text);
  for (size_t i = std::size(kDashes); i > 0; --i) {
    if (digits[kDashes[i - 1]] != '-') return false;
    digits.erase(kDashes[i - 1], 1);
  }
  return DecodeHex(digits, id->bytes);
}

bool IsChainId(std::string_view text) {
  std::array<std::byte, kChainIdSize> bytes;
  return text == kSingleChain || DecodeHex(text, bytes);
}

bool IsLogNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_' || c == '~' || c == ':';
}

bool IsLogNamePart(std::string_view part) {
  return !part.empty() && part != "." && part != ".." &&
         std::all_of(part.begin(), part.end(), IsLogNameCharacter);
}

// Takes what follows the last slash off the end. False where there is no slash.
bool TakeLastPart(std::string_view* text, std::string_view* part) {
  const size_t slash = text->rfind('/');
  if (slash == text->npos) return false;
  *part = text->substr(slash + 1);
  *text = text->substr(0, slash);
  return true;
}

}  // namespace

Result<void> CheckLogName(std::string_view name) {
  bool good = name.size() <= kMaxLogNameSize;
  for (size_t begin = 0; good && begin <= name.size();) {
    const size_t end = std::min(name.find('/', begin), name.size());
    good = IsLogNamePart(name.substr(begin, end - begin));
    begin = end + 1;
  }
  if (good) return {};
  return Error{Code::kInvalidArgument, "not the name of a log",
               "A name is like ledger.example.com/bulla: at most " +
                   std::to_string(kMaxLogNameSize) +
                   " ASCII letters, digits and .-_~: in parts divided by single slashes."};
}

Result<ChainId> IdentifyChain(const LedgerId& ledger, Bytes chain_key) {
  if (chain_key.empty()) return ChainId{std::string(kSingleChain)};
  Sha256 hasher;
  Sha256Digest digest;
  hasher.Start();
  hasher.Update(AsBytes(kChainDomain));
  hasher.Update(ledger.bytes);
  hasher.Update(chain_key);
  if (!hasher.Finish(&digest)) return ossl::DrainErrors("SHA-256");
  std::string text(2 * kChainIdSize, '\0');
  EncodeHex(Bytes(digest.bytes).first(kChainIdSize), text.data());
  return ChainId{std::move(text)};
}

std::string FormatOrigin(const Origin& origin) {
  return origin.log_name + "/" + FormatUuid(origin.ledger) + "/" + origin.chain.text + "/" +
         std::to_string(origin.epoch.value);
}

Result<Origin> ParseOrigin(std::string_view text) {
  Origin origin;
  std::string_view epoch_text, chain, ledger;
  if (TakeLastPart(&text, &epoch_text) && TakeLastPart(&text, &chain) &&
      TakeLastPart(&text, &ledger) && ParseUuid(ledger, &origin.ledger) && IsChainId(chain) &&
      CheckLogName(text).ok()) {
    if (const auto epoch = ParseDecimal(epoch_text, kMaxEpoch.value)) {
      origin.log_name = text;
      origin.chain.text = chain;
      origin.epoch = Epoch{static_cast<uint32_t>(*epoch)};
      return origin;
    }
  }
  return Error{Code::kInvalidArgument, "not the origin of a log of Bulla",
               "An origin is <log name>/<uuid of the ledger>/<chain id>/<epoch>."};
}

// The origin ends the string that is derived from, so it needs no length.
Result<SecretBytes> DeriveOriginSeed(const SecretBytes& signing_seed, std::string_view origin) {
  if (signing_seed.size() != kEd25519SeedSize)
    return Error{Code::kInvalidArgument, "a signing seed has 32 bytes"};
  const std::string info = std::string(kKeyDomain).append(origin);
  Result<SecretBytes> seed = SecretBytes::Allocate(kEd25519SeedSize);
  if (!seed.ok()) return seed;
  const Result<void> derived = HkdfSha256(signing_seed.RevealSecretBytes(), {}, AsBytes(info),
                                          seed.value().RevealSecretBytes());
  if (!derived.ok()) return derived.error();
  return seed;
}

}  // namespace bulla
