// Descriptions of relations, kept per backend under their oids and made anew when the catalogue changes.
#pragma once

extern "C" {
#include "postgres.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
}

#include "pg/relation_changes.h"

namespace bulla {

// A Description has
//   Oid relation;          the hash key; first
//   bool valid;            until an invalidation
//   MemoryContext memory;  of what it points to
// and needs no destructor.
template <class Description>
class RelationCache {
 public:
  // For the rest of the backend's life.
  static RelationCache* Make(const char* name) {
    auto* const cache = static_cast<RelationCache*>(
        MemoryContextAllocZero(TopMemoryContext, sizeof(RelationCache)));
    HASHCTL control = {};
    control.keysize = sizeof(Oid);
    control.entrysize = sizeof(Description);
    cache->entries_ = hash_create(name, 16, &control, HASH_ELEM | HASH_BLOBS);
    ListenForRelationChanges(Invalidate, PointerGetDatum(cache));
    return cache;
  }

  // The description of an open relation, which stays what it is until it is asked for again after an
  // invalidation. Where there is none that is valid, `fill` is called with an empty one, in its memory context;
  // it may raise.
  template <class Fill>
  Description* Find(Relation relation, Fill&& fill) {
    return Renew(EntryOf(relation), fill);
  }

  // What is kept of the relation, valid or not.
  Description* EntryOf(Relation relation) {
    const Oid key = RelationGetRelid(relation);
    bool found;
    auto* const entry = static_cast<Description*>(hash_search(entries_, &key, HASH_ENTER, &found));
    if (!found) Empty(entry, key, nullptr);
    return entry;
  }

  template <class Fill>
  Description* Renew(Description* entry, Fill&& fill) {
    if (entry->valid) return entry;
    if (entry->memory == nullptr) {
      entry->memory =
          AllocSetContextCreate(CacheMemoryContext, "bulla relation cache", ALLOCSET_SMALL_SIZES);
    }
    MemoryContextReset(entry->memory);
    Empty(entry, entry->relation, entry->memory);
    const MemoryContext caller = MemoryContextSwitchTo(entry->memory);
    const uint64 before = invalidations_;
    fill(entry);
    entry->valid = invalidations_ == before;
    MemoryContextSwitchTo(caller);
    return entry;
  }

  // Memory is kept: a caller may be using the description.
  void InvalidateAll() {
    ++invalidations_;
    HASH_SEQ_STATUS all;
    hash_seq_init(&all, entries_);
    while (auto* const entry = static_cast<Description*>(hash_seq_search(&all)))
      entry->valid = false;
  }

 private:
  static void Empty(Description* entry, Oid relation, MemoryContext memory) {
    *entry = Description{};
    entry->relation = relation;
    entry->memory = memory;
  }

  static void Invalidate(Datum cache, Oid relation) {
    auto* const self = reinterpret_cast<RelationCache*>(DatumGetPointer(cache));
    if (!OidIsValid(relation)) {
      self->InvalidateAll();
      return;
    }
    ++self->invalidations_;
    auto* const entry =
        static_cast<Description*>(hash_search(self->entries_, &relation, HASH_FIND, nullptr));
    if (entry != nullptr) entry->valid = false;
  }

  HTAB* entries_;
  uint64 invalidations_;  // counted, so that one that arrives during a description is seen
};

}  // namespace bulla
