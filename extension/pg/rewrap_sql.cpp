// The SQL function that moves wrapped keys from one KEK to another.

#include "pg/boundary.h"

extern "C" {
#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/uuid.h"
}

#include <algorithm>
#include <cstdio>

#include "pg/arguments.h"
#include "pg/emergency.h"
#include "pg/event_log.h"
#include "pg/key_changes.h"
#include "pg/key_rows.h"
#include "pg/key_tables.h"
#include "pg/wrapped_version.h"

namespace bulla {
namespace {

const KeyRow* VersionAt(List* versions, int index) {
  return static_cast<const KeyRow*>(list_nth(versions, index));
}

int CompareUuids(const ListCell* a, const ListCell* b) {
  return memcmp(lfirst(a), lfirst(b), UUID_LEN);
}

// Where a batch has come to: all versions up to this one of this key were tried, the keys in order of their ids.
struct Place {
  pg_uuid_t key_id;
  int32 version;
};

Place ParsePlace(const char* text) {
  Place place;
  const char* const colon = strchr(text, ':');
  if (colon == nullptr || colon - text != 2 * UUID_LEN + 4 ||
      sscanf(colon, ":%9d", &place.version) != 1 ||
      strcmp(psprintf(":%d", place.version), colon) != 0) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("place must be null or what bulla.rewrap_key_batch has returned")));
  }
  const Datum uuid = DirectFunctionCall1(uuid_in, CStringGetDatum(pnstrdup(text, colon - text)));
  place.key_id = *DatumGetUUIDP(uuid);
  return place;
}

Datum PlaceDatum(const KeyRow& last) {
  const Datum uuid = DirectFunctionCall1(uuid_out, UUIDPGetDatum(&last.key_id));
  return CStringGetTextDatum(psprintf("%s:%d", DatumGetCString(uuid), last.version));
}

bool IsBehind(const KeyRow& version, const Place* place) {
  if (place == nullptr) return true;
  const int order = memcmp(&version.key_id, &place->key_id, UUID_LEN);
  return order > 0 || (order == 0 && version.version > place->version);
}

// At most so many versions behind this place that are not under this KEK, their keys locked, in one order for all
// who do this.
List* LockVersionsNotUnder(const char* kek_id, const Place* after, int most) {
  List* const keys = KeysNotUnder(kek_id);
  list_sort(keys, CompareUuids);
  List* locked = NIL;
  KeyRow key = {};
  ListCell* key_cell;
  foreach (key_cell, keys) {
    const auto* const id = static_cast<const pg_uuid_t*>(lfirst(key_cell));
    if (memcmp(id, &key.key_id, UUID_LEN) == 0) continue;  // it has two such versions
    if (after != nullptr && memcmp(id, &after->key_id, UUID_LEN) < 0) continue;
    if (!LockKeyById(*id, &key)) continue;
    ListCell* cell;
    foreach (cell, ReadVersions(key)) {
      const auto* const version = static_cast<const KeyRow*>(lfirst(cell));
      if (version->wrapped.empty() || strcmp(version->kek_id, kek_id) == 0 ||
          !IsBehind(*version, after))
        continue;
      locked = lappend(locked, lfirst(cell));
      if (list_length(locked) == most) return locked;
    }
  }
  return locked;
}

RewrapItem ItemOf(const KeyRow& row) {
  return Enter([&]() -> Result<RewrapItem> {
    const auto version = DescriptionOf(row);
    if (!version.ok()) return version.error();
    const auto commitment = CommitmentOf(row);
    if (!commitment.ok()) return commitment.error();
    return RewrapItem{version.value(), commitment.value(), row.wrapped, {}, nullptr};
  });
}

// Returns the ids of the versions that were moved; which were not, and why, is added to `problems`.
List* Move(List* versions, List** problems) {
  const int count = list_length(versions);
  if (count == 0) return NIL;
  auto* const items = static_cast<RewrapItem*>(palloc(sizeof(RewrapItem) * count));
  for (int i = 0; i < count; ++i) items[i] = ItemOf(*VersionAt(versions, i));
  const char* const kek_id = RewrapVersions(items, count);
  List* moved = NIL;
  for (int i = 0; i < count; ++i) {
    const KeyRow& version = *VersionAt(versions, i);
    if (items[i].problem == nullptr) {
      ReplaceWrapped(version, kek_id, items[i].rewrapped);
      moved = lappend(moved, const_cast<char*>(HexText(version.version_id)));
    } else {
      *problems = lappend(*problems, psprintf("version %d of key \"%s\" cannot be moved: %s",
                                              version.version, version.name, items[i].problem));
    }
  }
  if (moved != NIL) {
    RecordEvent("key.rewrapped", EventDetail()
                                     .Text("kek_id", kek_id)
                                     .Number("count", list_length(moved))
                                     .Texts("version_ids", moved));
  }
  return moved;
}

}  // namespace

BULLA_FUNCTION(bulla_rewrap_key_batch);
Datum bulla_rewrap_key_batch(PG_FUNCTION_ARGS) {
  PreventCommandIfReadOnly("bulla.rewrap_keys()");
  RequireNotRestricted(Restriction::kReadOnly);
  RefuseNull(fcinfo, 0, "batch");
  const int32 batch = PG_GETARG_INT32(0);
  if (batch < 1) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("batch must be 1 or more, but is %d", batch)));
  }
  TupleDesc description;
  if (get_call_result_type(fcinfo, nullptr, &description) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "return type must be a row type");
  Place after;
  if (!PG_ARGISNULL(1)) after = ParsePlace(CStringArgument(fcinfo, 1, "place"));
  const int most = std::min(batch, kMaxRewrapped);
  List* const versions =
      LockVersionsNotUnder(WrappingKekId(), PG_ARGISNULL(1) ? nullptr : &after, most);
  List* problems = NIL;
  List* const moved = Move(versions, &problems);
  const bool through = list_length(versions) < most;
  Datum values[] = {through ? Datum{0} : PlaceDatum(*VersionAt(versions, most - 1)),
                    Int64GetDatum(list_length(moved)), TextsDatum(problems)};
  bool nulls[] = {through, false, false};
  return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(description), values, nulls));
}

}  // namespace bulla
