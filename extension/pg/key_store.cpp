#include "pg/key_store.h"

#include <ctime>
#include <map>
#include <utility>
#include <vector>

extern "C" {
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/inval.h"
}

#include "kms/wrapping.h"
#include "pg/boundary.h"
#include "pg/keks.h"
#include "pg/key_rows.h"
#include "pg/refusals.h"
#include "pg/relation_changes.h"
#include "pg/settings.h"

namespace bulla {
namespace {

// Bounds what a backend keeps unwrapped; all are dropped when it is full.
constexpr size_t kMaxCached = 512;

struct Entry {
  CachedKey key;
  int64 unwrapped_at;
};

struct KeyCache {
  std::map<VersionId, std::unique_ptr<Entry>> entries;
  std::map<std::string, VersionId, std::less<>> primaries;  // by key name
  bool checked = true;        // every entry was enabled after the last invalidation
  uint64 generation = 0;      // counts invalidations
  Oid relation = InvalidOid;  // bulla.key_versions

  // Ciphers and keys wipe themselves.
  void Clear() {
    entries.clear();
    primaries.clear();
    checked = true;
  }
};

KeyCache& Cache() {
  static KeyCache* const cache = new KeyCache;  // never destroyed: WipeAtExit
  return *cache;
}

// Seconds of a clock that cannot be set. Coarse: it is read for every value that is sealed or opened.
int64 Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return now.tv_sec;
}

bool IsFresh(const Entry& entry) {
  return key_cache_ttl == 0 || Now() - entry.unwrapped_at < key_cache_ttl;
}

const Entry* FindFresh(const VersionId& version) {
  const auto found = Cache().entries.find(version);
  return found != Cache().entries.end() && IsFresh(*found->second) ? found->second.get() : nullptr;
}

const Entry* FindPrimary(std::string_view name) {
  const auto primary = Cache().primaries.find(name);
  return primary == Cache().primaries.end() ? nullptr : FindFresh(primary->second);
}

// The versions that are kept, palloc'd: a list of VersionId*.
List* KeptVersions(bool fresh) {
  List* kept = NIL;
  for (const auto& [id, entry] : Cache().entries) {
    if (IsFresh(*entry) != fresh) continue;
    auto* const copy = static_cast<VersionId*>(palloc(sizeof(VersionId)));
    *copy = id;
    kept = lappend(kept, copy);
  }
  return kept;
}

bool IsEnabled(const KeyRow& row) { return row.found && strcmp(row.state, "enabled") == 0; }

// Wipes what the tables do not say is enabled. A version's id commits to its data key, so of what was
// unwrapped nothing but the state can have changed.
void Recheck() {
  KeyCache& cache = Cache();
  while (!cache.checked) {
    CHECK_FOR_INTERRUPTS();
    cache.relation = KeyTable("key_versions");
    const uint64 generation = cache.generation;
    ListCell* cell;
    foreach (cell, list_concat(KeptVersions(true), KeptVersions(false))) {
      const auto& id = *static_cast<const VersionId*>(lfirst(cell));
      if (!IsEnabled(FindVersion(id))) cache.entries.erase(id);
    }
    AcceptInvalidationMessages();
    if (cache.generation == generation) cache.checked = true;
  }
}

Result<StoredKey> Parse(const KeyRow& row) {
  const auto version = DescriptionOf(row);
  if (!version.ok()) return version.error();
  const auto commitment = CommitmentOf(row);
  if (!commitment.ok()) return commitment.error();
  return StoredKey{version.value(), commitment.value(), row.wrapped};
}

Result<CachedKey> Prepare(const KeyRow& row, const StoredKey& stored, SecretBytes data_key) {
  CachedKey key{row.name, stored.version, stored.commitment, nullptr, nullptr};
  if (stored.version.purpose == Purpose::kIndex) {
    auto index = BlindIndexKey::Create(std::move(data_key));
    if (!index.ok()) return index.error();
    key.index = std::make_unique<BlindIndexKey>(std::move(index).value());
    return key;
  }
  auto cipher =
      EnvelopeCipher::Create(stored.version.algorithm, stored.commitment.version_id(), data_key);
  if (!cipher.ok()) return cipher.error();
  key.cipher = std::make_unique<EnvelopeCipher>(std::move(cipher).value());
  return key;
}

// Unwraps the first row's version, and with it the others' where one batch does for all of them.
Result<void> Unwrap(const std::vector<const KeyRow*>& rows, KekList& keks, Waiter& waiter,
                    std::vector<CachedKey>* unwrapped) {
  const auto first = Parse(*rows[0]);
  if (!first.ok()) return first.error();
  const auto parts = SplitWrapped(first.value().wrapped);
  if (!parts.ok()) return parts.error();
  const auto provider = keks.Find(parts.value().kek);
  if (!provider.ok()) return provider.error();

  std::vector<StoredKey> wanted{first.value()};
  std::vector<const KeyRow*> rows_wanted{rows[0]};
  for (size_t i = 1; i < rows.size() && provider.value()->PrefersBatches(); ++i) {
    const auto other = Parse(*rows[i]);
    if (!other.ok()) continue;
    const auto others_parts = SplitWrapped(other.value().wrapped);
    if (!others_parts.ok() || others_parts.value().kek != parts.value().kek) continue;
    wanted.push_back(other.value());
    rows_wanted.push_back(rows[i]);
  }
  auto data_keys = UnwrapDataKeys(keks, wanted, waiter);
  if (!data_keys.ok()) return data_keys.error();
  for (size_t i = 0; i < wanted.size(); ++i) {
    auto& data_key = data_keys.value()[i];
    auto key = data_key.ok() ? Prepare(*rows_wanted[i], wanted[i], std::move(data_key).value())
                             : Result<CachedKey>(data_key.error());
    // What was asked for has to work; the others say what is wrong when they are asked for.
    if (!key.ok() && i == 0) return key.error();
    if (key.ok()) unwrapped->push_back(std::move(key).value());
  }
  return {};
}

Result<bool> UnwrapAndKeep(List* rows, const char* primary_of, uint64 generation, KekList& keks,
                           Waiter& waiter) {
  std::vector<const KeyRow*> wanted;
  ListCell* cell;
  foreach (cell, rows) wanted.push_back(static_cast<const KeyRow*>(lfirst(cell)));
  std::vector<CachedKey> unwrapped;
  if (auto done = Unwrap(wanted, keks, waiter, &unwrapped); !done.ok()) {
    Error error = done.error();
    if (error.code != Code::kCancelled)
      error.message = "key \"" + std::string(wanted[0]->name) + "\": " + error.message;
    return error;
  }
  KeyCache& cache = Cache();
  if (cache.entries.size() + unwrapped.size() > kMaxCached) cache.Clear();
  const VersionId asked = unwrapped[0].commitment.version_id();
  for (CachedKey& key : unwrapped) {
    const VersionId id = key.commitment.version_id();
    cache.entries.insert_or_assign(id, std::make_unique<Entry>(Entry{std::move(key), Now()}));
  }
  // The rows may be older than a change that was heard of since they were read.
  if (cache.generation != generation)
    cache.checked = false;
  else if (primary_of != nullptr)
    cache.primaries.insert_or_assign(primary_of, asked);
  return true;
}

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
  foreach (cell, KeptVersions(false)) {
    const auto& id = *static_cast<const VersionId*>(lfirst(cell));
    Cache().entries.erase(id);
    const KeyRow row = FindVersion(id);
    if (IsEnabled(row)) AddRow(&rows, row);
  }
  foreach (cell, ReadVersions(asked)) {
    const auto& row = *static_cast<const KeyRow*>(lfirst(cell));
    if (IsEnabled(row)) AddRow(&rows, row);
  }
  return rows;
}

void WipeAtExit() {
  static bool arranged = false;
  if (!arranged) on_proc_exit([](int, Datum) { Cache().Clear(); }, Datum{0});
  arranged = true;
}

VersionId IdOf(const KeyRow& row) {
  VersionId id;
  memcpy(id.bytes.data(), row.version_id.data(), Min(row.version_id.size(), id.bytes.size()));
  return id;
}

bool IsKept(const KeyRow& row) { return FindFresh(IdOf(row)) != nullptr; }

void RememberPrimary(const char* name, const KeyRow& row) {
  Enter([&]() -> Result<void> {
    Cache().primaries.insert_or_assign(name, IdOf(row));
    return {};
  });
}

// Whether the current user is known to be allowed to use the key, and that without hearing of a change to keys
// in between. Raises where he is not; false where that had to be looked up, and what was found may be gone.
bool MayUse(const CachedKey& key, Use use) {
  const uint64 generation = Cache().generation;
  const KeyId id = key.version.key;
  if (KnowsMayUse(id, use)) return Cache().generation == generation;
  const char* const name = pstrdup(key.name.c_str());
  RequireUse(id, name, use);
  return false;
}

void NoteUnavailable(const KeyRow& row, Use use) {
  VersionId version;
  memcpy(version.bytes.data(), row.version_id.data(), version.bytes.size());
  NoteRefusal(use, Why::kUnavailable, nullptr, &version);
}

// Finds what is asked for, and reads and unwraps it until it is there and nothing about keys has changed
// meanwhile. Else a version that was just disabled could be kept after the message that forbids it.
template <class Find, class Read>
const CachedKey& FindOrLoad(Find find, Read read, const char* primary_of, Use use) {
  KeyCache& cache = Cache();
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    AcceptInvalidationMessages();
    if (!cache.checked) Recheck();
    if (const Entry* const entry = find()) {
      if (MayUse(entry->key, use)) return entry->key;
      continue;
    }
    WipeAtExit();
    cache.relation = KeyTable("key_versions");
    const uint64 generation = cache.generation;
    const KeyRow asked = read();
    if (IsKept(asked)) {
      // Only its being the primary was not known.
      if (cache.generation == generation) RememberPrimary(primary_of, asked);
      continue;
    }
    List* const rows = RowsToUnwrap(asked);
    EnterKeks(
        [&](KekList& keks, Waiter& waiter) {
          return UnwrapAndKeep(rows, primary_of, generation, keks, waiter);
        },
        [&] { NoteUnavailable(asked, use); });
  }
}

void OnInvalidation(Datum, Oid relation) {
  KeyCache& cache = Cache();
  if (OidIsValid(relation) && OidIsValid(cache.relation) && relation != cache.relation) return;
  ++cache.generation;
  cache.primaries.clear();
  if (!cache.entries.empty()) cache.checked = false;
}

// Also as part of a commit: nothing here raises.
void OnTransactionEnd(XactEvent event, void*) {
  const bool ends = event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
                    event == XACT_EVENT_PREPARE || event == XACT_EVENT_PARALLEL_COMMIT ||
                    event == XACT_EVENT_PARALLEL_ABORT;
  if (ends && !Cache().checked) Cache().Clear();
}

[[noreturn]] void RaisePurpose(const CachedKey& key, Purpose wanted) {
  ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                  errmsg("key \"%s\" has purpose %s, not %s", key.name.c_str(),
                         Name(key.version.purpose).data(), Name(wanted).data())));
}

EnvelopeCipher* CipherOf(const CachedKey& key) {
  if (key.cipher == nullptr) RaisePurpose(key, Purpose::kEncrypt);
  return key.cipher.get();
}

}  // namespace

void WatchKeys() {
  ListenForRelationChanges(OnInvalidation, Datum{0});
  RegisterXactCallback(OnTransactionEnd, nullptr);
}

const CachedKey& PrimaryKey(std::string_view key_name, Use use) {
  AcceptInvalidationMessages();
  if (Cache().checked) {
    const Entry* const entry = FindPrimary(key_name);
    if (entry != nullptr && MayUse(entry->key, use)) return entry->key;
  }
  const char* const name = pnstrdup(key_name.data(), key_name.size());
  return FindOrLoad([&] { return FindPrimary(name); }, [&] { return ReadPrimary(name, use); }, name,
                    use);
}

const CachedKey& KeyOfVersion(const VersionId& version, Use use) {
  return FindOrLoad([&] { return FindFresh(version); },
                    [&] { return ReadVersionById(version, use); }, nullptr, use);
}

EnvelopeCipher* PrimaryCipher(std::string_view key_name, Use use) {
  return CipherOf(PrimaryKey(key_name, use));
}

EnvelopeCipher* CipherOfVersion(const VersionId& version, Use use) {
  const CachedKey& key = KeyOfVersion(version, use);
  if (key.cipher == nullptr) NoteRefusal(use, Why::kWrongPurpose, nullptr, &version);
  return CipherOf(key);
}

BlindIndexKey* IndexKey(std::string_view key_name, Use use) {
  const CachedKey& key = PrimaryKey(key_name, use);
  if (key.index == nullptr) RaisePurpose(key, Purpose::kIndex);
  return key.index.get();
}

}  // namespace bulla
