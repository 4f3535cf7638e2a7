#include "pg/key_store.h"

#include <map>
#include <memory>
#include <string>

extern "C" {
#include "miscadmin.h"
#include "utils/inval.h"
}

#include "core/data_key.h"
#include "kms/key_file.h"
#include "pg/boundary.h"
#include "pg/key_rows.h"
#include "pg/settings.h"

namespace bulla {
namespace {

// Bounds what a backend keeps unwrapped; all are dropped when it is full.
constexpr size_t kMaxCached = 512;

struct KeyCache {
  std::map<VersionId, std::unique_ptr<EnvelopeCipher>> ciphers;
  std::map<std::string, VersionId, std::less<>> primaries;  // by key name
  uint64 generation = 0;                                    // counts invalidations
  Oid relation = InvalidOid;                                // bulla.key_versions

  void Clear() {
    ciphers.clear();
    primaries.clear();
  }
};

KeyCache& Cache() {
  static KeyCache* const cache =
      new KeyCache;  // never destroyed; ciphers wipe themselves when dropped
  return *cache;
}

Result<std::unique_ptr<EnvelopeCipher>> Unwrap(const KeyRow& row) {
  const auto algorithm = ParseAlgorithm(row.algorithm);
  if (!algorithm.ok()) return algorithm.error();
  const auto purpose = ParsePurpose(row.purpose);
  if (!purpose.ok()) return purpose.error();
  KeyVersion version{{}, static_cast<uint32_t>(row.version), algorithm.value(), purpose.value()};
  std::memcpy(version.key.bytes.data(), row.key_id.data, UUID_LEN);
  Commitment commitment;
  if (row.commitment.size() != commitment.bytes.size()) {
    return Error{Code::kCorrupt, "a key version's commitment is not 32 bytes"};
  }
  std::memcpy(commitment.bytes.data(), row.commitment.data(), commitment.bytes.size());

  const auto kek = LoadKek();
  if (!kek.ok()) return kek.error();
  const auto data_key = UnwrapDataKey(kek.value(), version, commitment, row.wrapped);
  if (!data_key.ok()) return data_key.error();
  auto cipher =
      EnvelopeCipher::Create(version.algorithm, commitment.version_id(), data_key.value());
  if (!cipher.ok()) return cipher.error();
  return std::make_unique<EnvelopeCipher>(std::move(cipher).value());
}

// Unwraps a version and keeps it. `primary_of` names the key when it is asked for by name.
EnvelopeCipher* Load(const KeyRow& row, const char* primary_of) {
  return Enter([&]() -> Result<EnvelopeCipher*> {
    auto unwrapped = Unwrap(row);
    if (!unwrapped.ok()) {
      Error error = unwrapped.error();
      error.message = "key \"" + std::string(row.name) + "\": " + error.message;
      return error;
    }
    KeyCache& cache = Cache();
    if (cache.ciphers.size() >= kMaxCached) cache.Clear();
    const VersionId id = unwrapped.value()->version();
    EnvelopeCipher* const cipher = unwrapped.value().get();
    cache.ciphers.insert_or_assign(id, std::move(unwrapped).value());
    if (primary_of != nullptr) cache.primaries.insert_or_assign(primary_of, id);
    return cipher;
  });
}

EnvelopeCipher* FindCached(const VersionId& version) {
  const auto found = Cache().ciphers.find(version);
  return found == Cache().ciphers.end() ? nullptr : found->second.get();
}

// A load counts only if nothing about keys changed while it was under way. Else a version that was just
// disabled could be put into the cache after the message that should have emptied it.
template <class Read>
EnvelopeCipher* LoadCurrent(Read read, const char* primary_of) {
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    Cache().relation = KeyTable("key_versions");
    const uint64 generation = Cache().generation;
    EnvelopeCipher* const cipher = Load(read(), primary_of);
    AcceptInvalidationMessages();
    if (Cache().generation == generation) return cipher;
  }
}

void ForgetKeys(Datum, Oid relation) {
  KeyCache& cache = Cache();
  if (OidIsValid(relation) && OidIsValid(cache.relation) && relation != cache.relation) return;
  ++cache.generation;
  cache.Clear();
}

}  // namespace

void WatchKeys() { CacheRegisterRelcacheCallback(ForgetKeys, Datum{0}); }

Result<Kek> LoadKek() {
  const auto path = ParseKekSetting(kek_setting);
  if (!path.ok()) return path.error();
  return LoadKeyFile(path.value(), DataDir);
}

EnvelopeCipher* PrimaryCipher(std::string_view key_name) {
  AcceptInvalidationMessages();
  const auto primary = Cache().primaries.find(key_name);
  if (primary != Cache().primaries.end()) {
    if (EnvelopeCipher* const cipher = FindCached(primary->second)) return cipher;
  }
  const char* const name = pnstrdup(key_name.data(), key_name.size());
  return LoadCurrent([&] { return ReadPrimary(name); }, name);
}

EnvelopeCipher* CipherOfVersion(const VersionId& version) {
  AcceptInvalidationMessages();
  if (EnvelopeCipher* const cipher = FindCached(version)) return cipher;
  return LoadCurrent([&] { return ReadVersionById(version); }, nullptr);
}

}  // namespace bulla
