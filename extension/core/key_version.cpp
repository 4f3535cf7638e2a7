#include "core/key_version.h"

#include <array>
#include <string>

namespace bulla {
namespace {

// The one table of each: value, name, who makes keys with it.
enum class Made { kByName, kByBulla, kNever };
template <class T>
struct Entry {
  T value;
  std::string_view name;
  Made made;
};

constexpr std::array kAlgorithms = {
    Entry<Algorithm>{Algorithm::kXaes256Gcm, "XAES-256-GCM", Made::kByName},
    Entry<Algorithm>{Algorithm::kAes256Gcm, "AES-256-GCM", Made::kByName},
    Entry<Algorithm>{Algorithm::kAes256CbcHmacSha512, "AES-256-CBC-HMAC-SHA-512", Made::kByName},
    Entry<Algorithm>{Algorithm::kHmacSha256, "HMAC-SHA-256", Made::kByName},
    Entry<Algorithm>{Algorithm::kEd25519, "Ed25519", Made::kByBulla},
};
constexpr std::array kPurposes = {
    Entry<Purpose>{Purpose::kEncrypt, "encrypt", Made::kByName},
    Entry<Purpose>{Purpose::kIndex, "index", Made::kByName},
    Entry<Purpose>{Purpose::kMac, "mac", Made::kNever},
    Entry<Purpose>{Purpose::kLog, "log", Made::kByBulla},
    Entry<Purpose>{Purpose::kJwt, "jwt", Made::kNever},
    Entry<Purpose>{Purpose::kBundle, "bundle", Made::kNever},
};

constexpr auto kByName = [](const auto& entry) { return entry.made == Made::kByName; };
constexpr auto kAny = [](const auto& entry) { return entry.made != Made::kNever; };

template <class Table, class Fits>
auto Parse(const Table& table, std::string_view name, const char* what, Fits fits)
    -> Result<decltype(table[0].value)> {
  std::string allowed;
  for (const auto& entry : table) {
    if (!fits(entry)) continue;
    if (entry.name == name) return entry.value;
    allowed.append(allowed.empty() ? "" : ", ").append(entry.name);
  }
  return Error{Code::kInvalidArgument, std::string("unknown ") + what,
               std::string("Allowed: ") + allowed + "."};
}

// Blind indexes and signatures have an algorithm of their own; all others seal.
bool Fits(Algorithm algorithm, Purpose purpose) {
  if (algorithm == Algorithm::kHmacSha256) return purpose == Purpose::kIndex;
  if (algorithm == Algorithm::kEd25519) return purpose == Purpose::kLog;
  return purpose != Purpose::kIndex && purpose != Purpose::kLog;
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
  return Parse(kPurposes, name, "purpose of a key", kByName);
}

Result<Purpose> ParseStoredPurpose(std::string_view name) {
  return Parse(kPurposes, name, "purpose of a key", kAny);
}

Result<Algorithm> ParseAlgorithm(std::string_view name, Purpose purpose) {
  const std::string what = "algorithm for purpose " + std::string(Name(purpose));
  return Parse(kAlgorithms, name, what.c_str(),
               [&](const auto& entry) { return Fits(entry.value, purpose); });
}

Algorithm DefaultAlgorithm(Purpose purpose) {
  switch (purpose) {
    case Purpose::kIndex:
      return Algorithm::kHmacSha256;
    case Purpose::kLog:
      return Algorithm::kEd25519;
    default:
      return Algorithm::kXaes256Gcm;
  }
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
