// Unwrapped keys in the memory of this backend, and what takes them out of it: a change of the tables of keys, the
// time that bulla.key_cache_ttl gives them, and the end of the backend.
#pragma once

extern "C" {
#include "postgres.h"
#include "nodes/pg_list.h"
}

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/key_version.h"
#include "pg/key_unwrap.h"

namespace bulla {

class KeyCache {
 public:
  // The one of this backend. Never destroyed, but wiped when the backend exits.
  static KeyCache& Get();

  // Has it told of changes and of the ends of transactions; once per backend.
  static void Watch();

  // Whether everything kept was enabled when last something was heard of keys. Accept invalidations first.
  bool checked() const { return checked_; }

  // Wipes what is not enabled any more, reading until nothing changes meanwhile. Raises.
  void Recheck();

  // Counts what was heard of keys.
  uint64 generation() const { return generation_; }

  // To be called before rows are read that lead to what is kept; the generation as of which they are. Raises.
  uint64 StartReading();

  // A version that is kept, or the primary version of a key where that is known too; nullptr where it is not, or its
  // time is over. Valid until something is kept or invalidations are accepted.
  const UnwrappedKey* Find(const VersionId& version) const;
  const UnwrappedKey* FindPrimary(std::string_view key_name) const;

  // Keeps what rows of this generation led to; the first is the primary version of key `primary_of`, if that is not
  // nullptr. All that was kept goes where there is no room.
  void Keep(std::vector<UnwrappedKey> keys, const char* primary_of, uint64 generation);
  void KeepPrimary(const char* key_name, const VersionId& version, uint64 generation);

  // Wipes what was kept for too long; which it was: VersionId*, palloc'd.
  List* WipeExpired();

 private:
  struct Entry {
    UnwrappedKey key;
    int64 unwrapped_at;
    bool IsFresh() const;
  };

  KeyCache() = default;
  void Clear();
  List* Kept(bool expired_alone) const;  // VersionId*, palloc'd
  static void OnInvalidation(Datum, Oid relation);

  std::map<VersionId, std::unique_ptr<Entry>> entries_;
  std::map<std::string, VersionId, std::less<>> primaries_;  // by key name
  bool checked_ = true;
  uint64 generation_ = 0;
  Oid relation_ = InvalidOid;  // bulla.key_versions
};

}  // namespace bulla
