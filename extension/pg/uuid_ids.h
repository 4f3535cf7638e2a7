// Ids of 16 bytes (LedgerId, KeyId, CellId) as values of type uuid, and back.
#pragma once

extern "C" {
#include "postgres.h"
#include "fmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/uuid.h"
}

#include <cstring>

namespace bulla {

// Palloc'd.
template <typename Id>
Datum IdDatum(const Id& id) {
  static_assert(sizeof id.bytes == UUID_LEN);
  auto* const uuid = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t)));
  memcpy(uuid->data, id.bytes.data(), UUID_LEN);
  return UUIDPGetDatum(uuid);
}

// Palloc'd.
template <typename Id>
const char* IdText(const Id& id) {
  return DatumGetCString(DirectFunctionCall1(uuid_out, IdDatum(id)));
}

template <typename Id>
Id IdOfUuid(const pg_uuid_t& uuid) {
  Id id;
  static_assert(sizeof id.bytes == UUID_LEN);
  memcpy(id.bytes.data(), uuid.data, UUID_LEN);
  return id;
}

}  // namespace bulla
