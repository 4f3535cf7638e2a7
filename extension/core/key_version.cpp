#include "core/key_version.h"

#include <array>
#include <string>

namespace bulla {
namespace {

// The one table of each: value, name, whether this build implements it.
template <class T>
struct Entry {
  T value;
  std::string_view name;
  bool implemented;
};

constexpr std::array kAlgorithms = {
    Entry<Algorithm>{Algorithm::kXaes256Gcm, "XAES-256-GCM", true},
    Entry<Algorithm>{Algorithm::kAes256Gcm, "AES-256-GCM", true},
    Entry<Algorithm>{Algorithm::kAes256CbcHmacSha512, "AES-256-CBC-HMAC-SHA-512", true},
    Entry<Algorithm>{Algorithm::kHmacSha256, "HMAC-SHA-256", true},
};
constexpr std::array kPurposes = {
    Entry<Purpose>{Purpose::kEncrypt, "encrypt", true},
    Entry<Purpose>{Purpose::kIndex, "index", true},
    Entry<Purpose>{Purpose::kMac, "mac", false},
    Entry<Purpose>{Purpose::kLog, "log", false},
    Entry<Purpose>{Purpose::kJwt, "jwt", false},
    Entry<Purpose>{Purpose::kBundle, "bundle", false},
};

constexpr auto kAny = [](auto) { return true; };

template <class Table, class Fits>
auto Parse(const Table& table, std::string_view name, const char* what, Fits fits)
    -> Result<decltype(table[0].value)> {
  std::string allowed;
  for (const auto& entry : table) {
    if (!entry.implemented || !fits(entry.value)) continue;
    if (entry.name == name) return entry.value;
    allowed.append(allowed.empty() ? "" : ", ").append(entry.name);
  }
  return Error{Code::kInvalidArgument, std::string("unknown ") + what,
               std::string("Allowed: ") + allowed + "."};
}

// Blind indexes have an algorithm of their own; all others seal.
bool Fits(Algorithm algorithm, Purpose purpose) {
  return (algorithm == Algorithm::kHmacSha256) == (purpose == Purpose::kIndex);
}

template <class Table, class T>
std::string_view NameIn(const Table& table, T value) {
  for (const auto& entry : table)
    if (entry.value == value) return entry.name;
  return "unknown";
}

}  // namespace

std::string_view Name(Algorithm algorithm) { return NameIn(kAlgorithms, algorithm); }
std::string_view Name(Purpose purpose) { return NameIn(kPurposes, purpose); }

Result<Purpose> ParsePurpose(std::string_view name) {
  return Parse(kPurposes, name, "purpose of a key", kAny);
}

Result<Algorithm> ParseAlgorithm(std::string_view name, Purpose purpose) {
  const std::string what = "algorithm for purpose " + std::string(Name(purpose));
  return Parse(kAlgorithms, name, what.c_str(),
               [&](Algorithm algorithm) { return Fits(algorithm, purpose); });
}

Algorithm DefaultAlgorithm(Purpose purpose) {
  return purpose == Purpose::kIndex ? Algorithm::kHmacSha256 : Algorithm::kXaes256Gcm;
}

Result<Algorithm> AlgorithmFromByte(std::byte value) {
  for (const auto& entry : kAlgorithms)
    if (static_cast<std::byte>(entry.value) == value && Fits(entry.value, Purpose::kEncrypt))
      return entry.value;
  return Error{Code::kCorrupt,
               "unknown algorithm byte " + std::to_string(std::to_integer<unsigned>(value))};
}

size_t DataKeySize(Algorithm algorithm) {
  return algorithm == Algorithm::kAes256CbcHmacSha512 ? 64 : 32;
}

}  // namespace bulla
