#include "pg/key_changes.h"

extern "C" {
#include "access/genam.h"
#include "access/table.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"
}

#include <string>

#include "core/key_state.h"
#include "pg/boundary.h"
#include "pg/kek_rows.h"
#include "pg/key_tables.h"
#include "pg/message_budget.h"
#include "pg/uuid_ids.h"

namespace bulla {
namespace {

// New values for some columns of a row.
struct Change {
  Datum values[kVersionsColumns] = {};
  bool nulls[kVersionsColumns] = {};
  bool replaced[kVersionsColumns] = {};

  void Set(VersionsColumn column, Datum value) {
    values[column - 1] = value;
    replaced[column - 1] = true;
  }
  void SetNull(VersionsColumn column) {
    nulls[column - 1] = true;
    replaced[column - 1] = true;
  }
};

void Update(const KeyRow& version, Change* change) {
  const Relation table = table_open(KeyTable("key_versions"), RowExclusiveLock);
  const SysScanDesc scan = BeginKeyScan(table, "key_versions_pkey", kVersionId, F_BYTEAEQ,
                                        BytesDatum(version.version_id));
  const HeapTuple row = systable_getnext(scan);
  if (!HeapTupleIsValid(row)) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                    errmsg("version %d of key \"%s\" is gone", version.version, version.name)));
  }
  UpdateKeyRow(table, row, change->values, change->nulls, change->replaced);
  systable_endscan(scan);
  table_close(table, NoLock);
}

KeyState StateAfter(const KeyRow& version, KeyChange change) {
  return Enter([&]() -> Result<KeyState> {
    const auto state = ParseKeyState(version.state);
    if (!state.ok()) return state;
    auto changed = ChangeState(state.value(), change);
    if (changed.ok()) return changed;
    Error error = changed.error();
    error.message = "version " + std::to_string(version.version) + " of key \"" + version.name +
                    "\" " + error.message;
    return error;
  });
}

bool Contains(List* texts, const char* text) {
  ListCell* cell;
  foreach (cell, texts)
    if (strcmp(static_cast<const char*>(lfirst(cell)), text) == 0) return true;
  return false;
}

}  // namespace

void InsertVersion(const WrappedVersion& version) {
  NoteKek(version.kek_id);
  const TimestampTz now = GetCurrentTimestamp();
  char* const kek_id = pstrdup(version.kek_id);
  Datum values[kVersionsColumns];
  bool nulls[kVersionsColumns] = {};
  values[kVersionId - 1] = BytesDatum(version.commitment.version_id().bytes);
  values[kVersionsKeyId - 1] = IdDatum(version.version.key);
  values[kVersion - 1] = Int32GetDatum(static_cast<int32>(version.version.version));
  values[kState - 1] = CStringGetTextDatum(Name(KeyState::kEnabled).data());
  values[kCommitment - 1] = BytesDatum(version.commitment.bytes);
  values[kKekId - 1] = CStringGetTextDatum(kek_id);
  values[kWrapped - 1] = BytesDatum(version.wrapped);
  values[kCreatedAt - 1] = TimestampTzGetDatum(now);
  values[kStateSince - 1] = TimestampTzGetDatum(now);
  values[kKeks - 1] = TextsDatum(list_make1(kek_id));
  values[kMustRotate - 1] = BoolGetDatum(false);
  const Relation table = table_open(KeyTable("key_versions"), RowExclusiveLock);
  InsertKeyRow(table, values, nulls);
  table_close(table, NoLock);
  if (version.version.algorithm == Algorithm::kAes256Gcm)
    MakeMessageCount(version.commitment.version_id());
}

void ChangeVersion(const KeyRow& version, KeyChange change) {
  const KeyState state = StateAfter(version, change);
  const std::string_view name = Name(state);
  Change row;
  row.Set(kState, PointerGetDatum(cstring_to_text_with_len(name.data(), name.size())));
  row.Set(kStateSince, TimestampTzGetDatum(GetCurrentTimestamp()));
  if (state == KeyState::kDestroyed) {
    row.SetNull(kWrapped);
    row.SetNull(kKekId);
  }
  Update(version, &row);
}

void ReplaceWrapped(const KeyRow& version, const char* kek_id, Bytes wrapped) {
  NoteKek(kek_id);
  List* const keks = Contains(version.keks, kek_id)
                         ? version.keks
                         : lappend(list_copy(version.keks), pstrdup(kek_id));
  Change row;
  row.Set(kKekId, CStringGetTextDatum(kek_id));
  row.Set(kKeks, TextsDatum(keks));
  row.Set(kWrapped, BytesDatum(wrapped));
  Update(version, &row);
}

void RequireRotation(const KeyRow& version) {
  Change row;
  row.Set(kMustRotate, BoolGetDatum(true));
  Update(version, &row);
}

}  // namespace bulla
