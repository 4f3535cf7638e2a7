#include "pg/key_cache.h"

#include <ctime>
#include <utility>

extern "C" {
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/inval.h"
}

#include "pg/relation_changes.h"
#include "pg/settings.h"

namespace bulla {
namespace {

// Bounds what a backend keeps unwrapped; all are dropped when it is full.
constexpr size_t kMaxCached = 512;

// Seconds of a clock that cannot be set. Coarse: it is read for every value that is sealed or opened.
int64 Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return now.tv_sec;
}

// Also as part of a commit.
bool Ends(XactEvent event) {
  return event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE ||
         event == XACT_EVENT_PARALLEL_COMMIT || event == XACT_EVENT_PARALLEL_ABORT;
}

}  // namespace

KeyCache& KeyCache::Get() {
  static KeyCache* const cache = new KeyCache;
  return *cache;
}

void KeyCache::Watch() {
  ListenForRelationChanges(OnInvalidation, Datum{0});
  // Nothing here raises.
  RegisterXactCallback(
      [](XactEvent event, void*) {
        if (Ends(event) && !Get().checked_) Get().Clear();
      },
      nullptr);
}

void KeyCache::OnInvalidation(Datum, Oid relation) {
  KeyCache& cache = Get();
  if (OidIsValid(relation) && OidIsValid(cache.relation_) && relation != cache.relation_) return;
  ++cache.generation_;
  cache.primaries_.clear();
  if (!cache.entries_.empty()) cache.checked_ = false;
}

// A version's id commits to its data key, so of what was unwrapped nothing but the state can have changed, whether its
// uses are recorded, and whether it has to be rotated.
void KeyCache::Recheck() {
  while (!checked_) {
    CHECK_FOR_INTERRUPTS();
    const uint64 generation = StartReading();
    ListCell* cell;
    foreach (cell, Kept(false)) {
      const auto& id = *static_cast<const VersionId*>(lfirst(cell));
      const KeyRow row = FindVersion(id);
      const auto found = entries_.find(id);
      if (found == entries_.end()) continue;
      if (!IsEnabled(row)) {
        entries_.erase(found);
        continue;
      }
      found->second->key.audited = row.audited;
      found->second->key.must_rotate = row.must_rotate;
    }
    AcceptInvalidationMessages();
    if (generation_ == generation) checked_ = true;
  }
}

uint64 KeyCache::StartReading() {
  static bool wiped_at_exit = false;
  if (!wiped_at_exit) on_proc_exit([](int, Datum) { Get().Clear(); }, Datum{0});
  wiped_at_exit = true;
  relation_ = KeyTable("key_versions");
  return generation_;
}

const UnwrappedKey* KeyCache::Find(const VersionId& version) const {
  const auto found = entries_.find(version);
  return found != entries_.end() && found->second->IsFresh() ? &found->second->key : nullptr;
}

const UnwrappedKey* KeyCache::FindPrimary(std::string_view key_name) const {
  const auto primary = primaries_.find(key_name);
  return primary == primaries_.end() ? nullptr : Find(primary->second);
}

void KeyCache::Keep(std::vector<UnwrappedKey> keys, const char* primary_of, uint64 generation) {
  if (entries_.size() + keys.size() > kMaxCached) Clear();
  const VersionId first = keys[0].commitment.version_id();
  for (UnwrappedKey& key : keys) {
    const VersionId id = key.commitment.version_id();
    entries_.insert_or_assign(id, std::make_unique<Entry>(Entry{std::move(key), Now()}));
  }
  // The rows may be older than a change that was heard of since they were read.
  if (generation_ != generation) checked_ = false;
  if (primary_of != nullptr) KeepPrimary(primary_of, first, generation);
}

void KeyCache::KeepPrimary(const char* key_name, const VersionId& version, uint64 generation) {
  if (generation_ == generation) primaries_.insert_or_assign(key_name, version);
}

List* KeyCache::WipeExpired() {
  List* const expired = Kept(true);
  ListCell* cell;
  foreach (cell, expired) entries_.erase(*static_cast<const VersionId*>(lfirst(cell)));
  return expired;
}

bool KeyCache::Entry::IsFresh() const {
  return key_cache_ttl == 0 || Now() - unwrapped_at < key_cache_ttl;
}

// Ciphers and keys wipe themselves.
void KeyCache::Clear() {
  entries_.clear();
  primaries_.clear();
  checked_ = true;
}

List* KeyCache::Kept(bool expired_alone) const {
  List* kept = NIL;
  for (const auto& [id, entry] : entries_) {
    if (expired_alone && entry->IsFresh()) continue;
    auto* const copy = static_cast<VersionId*>(palloc(sizeof(VersionId)));
    *copy = id;
    kept = lappend(kept, copy);
  }
  return kept;
}

}  // namespace bulla
