// The SQL function that moves wrapped keys from one KEK to another.

#include "pg/boundary.h"

extern "C" {
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/uuid.h"
}

#include <algorithm>

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

// At most so many versions that are not under this KEK, their keys locked, in one order for all who do
// this.
List* LockVersionsNotUnder(const char* kek_id, int most) {
  List* const keys = KeysNotUnder(kek_id);
  list_sort(keys, CompareUuids);
  List* locked = NIL;
  KeyRow key = {};
  ListCell* key_cell;
  foreach (key_cell, keys) {
    const auto* const id = static_cast<const pg_uuid_t*>(lfirst(key_cell));
    if (memcmp(id, &key.key_id, UUID_LEN) == 0) continue;  // it has two such versions
    if (!LockKeyById(*id, &key)) continue;
    ListCell* cell;
    foreach (cell, ReadVersions(key)) {
      const auto* const version = static_cast<const KeyRow*>(lfirst(cell));
      if (version->wrapped.empty() || strcmp(version->kek_id, kek_id) == 0) continue;
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

// One that cannot be moved does not keep the others from it; where there are no others it is an error.
void TellProblem(const KeyRow& version, const char* problem, bool others_moved) {
  ereport(others_moved ? WARNING : ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("version %d of key \"%s\" cannot be moved: %s", version.version, version.name,
                  problem),
           errhint("Name every KEK that wraps keys in bulla.kek. What cannot be opened any more, "
                   "bulla.destroy_key_version ends.")));
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
  List* const versions = LockVersionsNotUnder(WrappingKekId(), std::min(batch, kMaxRewrapped));
  const int count = list_length(versions);
  if (count == 0) PG_RETURN_INT64(0);
  auto* const items = static_cast<RewrapItem*>(palloc(sizeof(RewrapItem) * count));
  for (int i = 0; i < count; ++i) items[i] = ItemOf(*VersionAt(versions, i));
  const char* const kek_id = RewrapVersions(items, count);

  List* moved = NIL;
  for (int i = 0; i < count; ++i) {
    if (items[i].problem != nullptr) continue;
    ReplaceWrapped(*VersionAt(versions, i), kek_id, items[i].rewrapped);
    moved = lappend(moved, const_cast<char*>(HexText(VersionAt(versions, i)->version_id)));
  }
  for (int i = 0; i < count; ++i) {
    if (items[i].problem != nullptr)
      TellProblem(*VersionAt(versions, i), items[i].problem, moved != NIL);
  }
  RecordEvent("key.rewrapped", EventDetail()
                                   .Text("kek_id", kek_id)
                                   .Number("count", list_length(moved))
                                   .Texts("version_ids", moved));
  PG_RETURN_INT64(list_length(moved));
}

}  // namespace bulla
