#include "pg/key_store.h"

#include <utility>
#include <vector>

extern "C" {
#include "miscadmin.h"
#include "utils/inval.h"
}

#include "pg/boundary.h"
#include "pg/keks.h"
#include "pg/key_cache.h"
#include "pg/refusals.h"

namespace bulla {
namespace {

void AddRow(List** rows, const KeyRow& row) {
  if (list_length(*rows) >= static_cast<int>(kMaxBatch)) return;
  ListCell* cell;
  foreach (cell, *rows) {
    const auto* const other = static_cast<const KeyRow*>(lfirst(cell));
    if (SameBytes(other->version_id, row.version_id)) return;
  }
  auto* const copy = static_cast<KeyRow*>(palloc(sizeof(KeyRow)));
  *copy = row;
  *rows = lappend(*rows, copy);
}

// The row asked for first, then what will be asked for soon: what has expired, and the other versions of
// the key. What has expired is wiped before anybody is asked.
List* RowsToUnwrap(const KeyRow& asked) {
  List* rows = NIL;
  AddRow(&rows, asked);
  ListCell* cell;
  foreach (cell, KeyCache::Get().WipeExpired()) {
    const KeyRow row = FindVersion(*static_cast<const VersionId*>(lfirst(cell)));
    if (IsEnabled(row)) AddRow(&rows, row);
  }
  foreach (cell, ReadVersions(asked)) {
    const auto& row = *static_cast<const KeyRow*>(lfirst(cell));
    if (IsEnabled(row)) AddRow(&rows, row);
  }
  return rows;
}

// Whether the current user is known to be allowed to use the key, and that without hearing of a change to keys
// in between. Raises where he is not; false where that had to be looked up, and what was found may be gone.
bool MayUse(const UnwrappedKey& key, Use use) {
  const uint64 generation = KeyCache::Get().generation();
  const KeyId id = key.version.key;
  if (KnowsMayUse(id, use)) return KeyCache::Get().generation() == generation;
  const char* const name = pstrdup(key.name.c_str());
  RequireUse(id, name, use);
  return false;
}

// Finds what is asked for, and reads and unwraps it until it is there and nothing about keys has changed
// meanwhile. Else a version that was just disabled could be kept after the message that forbids it.
template <class Find, class Read>
const UnwrappedKey& FindOrLoad(Find find, Read read, const char* primary_of, Use use) {
  KeyCache& cache = KeyCache::Get();
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    AcceptInvalidationMessages();
    if (!cache.checked()) cache.Recheck();
    if (const UnwrappedKey* const key = find()) {
      if (MayUse(*key, use)) return *key;
      continue;
    }
    const uint64 generation = cache.StartReading();
    const KeyRow asked = read();
    const VersionId version = IdOfVersion(asked);
    if (cache.Find(version) != nullptr) {
      // Only its being the primary was not known.
      Enter([&]() -> Result<void> {
        cache.KeepPrimary(primary_of, version, generation);
        return {};
      });
      continue;
    }
    List* const rows = RowsToUnwrap(asked);
    EnterKeks(
        [&](KekList& keks, Waiter& waiter) -> Result<bool> {
          std::vector<const KeyRow*> wanted;
          ListCell* cell;
          foreach (cell, rows) wanted.push_back(static_cast<const KeyRow*>(lfirst(cell)));
          auto unwrapped = UnwrapRows(wanted, keks, waiter);
          if (!unwrapped.ok()) return unwrapped.error();
          cache.Keep(std::move(unwrapped).value(), primary_of, generation);
          return true;
        },
        [&] { NoteRefusal(use, Act::kUnavailable, nullptr, &version); });
  }
}

[[noreturn]] void RaisePurpose(const UnwrappedKey& key, Purpose wanted) {
  ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                  errmsg("key \"%s\" has purpose %s, not %s", key.name.c_str(),
                         Name(key.version.purpose).data(), Name(wanted).data())));
}

EnvelopeCipher* CipherOf(const UnwrappedKey& key) {
  if (key.cipher == nullptr) RaisePurpose(key, Purpose::kEncrypt);
  return key.cipher.get();
}

const SecretBytes& SeedOf(const UnwrappedKey& key) {
  if (key.version.purpose != Purpose::kLog) RaisePurpose(key, Purpose::kLog);
  return key.seed;
}

}  // namespace

const UnwrappedKey& PrimaryKey(std::string_view key_name, Use use) {
  const KeyCache& cache = KeyCache::Get();
  AcceptInvalidationMessages();
  if (cache.checked()) {
    const UnwrappedKey* const key = cache.FindPrimary(key_name);
    if (key != nullptr && MayUse(*key, use)) return *key;
  }
  const char* const name = pnstrdup(key_name.data(), key_name.size());
  return FindOrLoad([&] { return cache.FindPrimary(name); }, [&] { return ReadPrimary(name, use); },
                    name, use);
}

const UnwrappedKey& KeyOfVersion(const VersionId& version, Use use) {
  return FindOrLoad([&] { return KeyCache::Get().Find(version); },
                    [&] { return ReadVersionById(version, use); }, nullptr, use);
}

EnvelopeCipher* PrimaryCipher(std::string_view key_name, Use use) {
  return CipherOf(PrimaryKey(key_name, use));
}

EnvelopeCipher* PrimaryCipherToSeal(std::string_view key_name, Use use) {
  const UnwrappedKey& key = PrimaryKey(key_name, use);
  if (!key.must_rotate) return CipherOf(key);
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("version %u of key \"%s\" seals no more since a restore was recorded",
                         key.version.version, key.name.c_str()),
                  errdetail("How many messages it has sealed of those that a version of "
                            "AES-256-GCM may is not known any more."),
                  errhint("Give the key a new version: SELECT bulla.rotate_key('…'). The old one "
                          "opens what it sealed.")));
}

const UnwrappedKey& OpeningKey(const VersionId& version, Use use) {
  const UnwrappedKey& key = KeyOfVersion(version, use);
  if (key.cipher != nullptr) return key;
  NoteRefusal(use, Act::kWrongPurpose, nullptr, &version);
  RaisePurpose(key, Purpose::kEncrypt);
}

BlindIndexKey* IndexKey(std::string_view key_name, Use use) {
  const UnwrappedKey& key = PrimaryKey(key_name, use);
  if (key.index == nullptr) RaisePurpose(key, Purpose::kIndex);
  return key.index.get();
}

const SecretBytes& PrimarySeed(std::string_view key_name) {
  return SeedOf(PrimaryKey(key_name, Use::kNone));
}

const SecretBytes& SeedOfVersion(const VersionId& version) {
  return SeedOf(KeyOfVersion(version, Use::kNone));
}

}  // namespace bulla
