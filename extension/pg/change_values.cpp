#include "pg/change_values.h"

extern "C" {
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
}

#include "pg/change_text.h"

namespace bulla {
namespace {

// jsonb has 28 bits for the size of an object, of which each column takes some besides its texts.
constexpr size_t kMaxPartSize = 0x0FFFFFFF;
constexpr size_t kColumnOverhead = 16;

// One of row_key, old_values and new_values: some columns of one row.
struct Part {
  const char* name;
  ChangeColumn place;
  const ColumnText* texts;
  const bool* columns;  // which of them
};

bool* NewColumnSet(const ChangeSource* source, bool all) {
  auto* const set = static_cast<bool*>(palloc(sizeof(bool) * (source->column_count + 1)));
  for (int i = 0; i < source->column_count; ++i) set[i] = all;
  return set;
}

// What tells one row from the others: its key, or everything where there is no key.
bool* KeyColumns(const ChangeSource* source) {
  bool* const set = NewColumnSet(source, true);
  for (int i = 0; source->has_key && i < source->column_count; ++i) set[i] = source->columns[i].key;
  return set;
}

bool* Union(const ChangeSource* source, const bool* a, const bool* b) {
  bool* const set = NewColumnSet(source, false);
  for (int i = 0; i < source->column_count; ++i) set[i] = a[i] || b[i];
  return set;
}

void CheckSize(const ChangeSource* source, const Part& part) {
  size_t size = 0;
  for (int i = 0; i < source->column_count; ++i)
    size += part.columns[i]
                ? kColumnOverhead + strlen(source->columns[i].name) + part.texts[i].text.size()
                : 0;
  if (size <= kMaxPartSize) return;
  ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                  errmsg("%s of table \"%s\" would take %zu bytes, which exceeds the limit of %zu",
                         part.name, get_rel_name(source->relation), size, kMaxPartSize),
                  errhint("Leave large columns out of the audit: skip => '{…}'.")));
}

void PushString(JsonbParseState** json, JsonbIteratorToken token, std::string_view text) {
  JsonbValue value;
  value.type = jbvString;
  value.val.string.val = const_cast<char*>(text.data());
  value.val.string.len = static_cast<int>(text.size());
  pushJsonbValue(json, token, &value);
}

void PushNull(JsonbParseState** json) {
  JsonbValue value;
  value.type = jbvNull;
  pushJsonbValue(json, WJB_VALUE, &value);
}

bool Holds(const ChangeSource* source, const Part& part, int column, bool erasable) {
  return part.columns[column] && source->columns[column].erasable == erasable;
}

// An object of the part's columns that are erasable, or of those that are not.
JsonbValue* PushColumns(const ChangeSource* source, const Part& part, bool erasable,
                        JsonbParseState** json) {
  pushJsonbValue(json, WJB_BEGIN_OBJECT, nullptr);
  for (int i = 0; i < source->column_count; ++i) {
    if (!Holds(source, part, i, erasable)) continue;
    PushString(json, WJB_KEY, source->columns[i].name);
    if (part.texts[i].null) {
      PushNull(json);
    } else {
      PushString(json, WJB_VALUE, part.texts[i].text);
    }
  }
  return pushJsonbValue(json, WJB_END_OBJECT, nullptr);
}

void Put(ChangeEvent* event, ChangeColumn place, JsonbValue* value) {
  event->values[place] = JsonbPGetDatum(JsonbValueToJsonb(value));
  event->nulls[place] = false;
}

bool HasErasable(const ChangeSource* source, const Part& part) {
  for (int i = 0; i < source->column_count; ++i) {
    if (Holds(source, part, i, true)) return true;
  }
  return false;
}

void PutParts(const ChangeSource* source, const Part* parts, int count, ChangeEvent* event) {
  JsonbParseState* personal = nullptr;
  bool any = false;
  pushJsonbValue(&personal, WJB_BEGIN_OBJECT, nullptr);
  for (int i = 0; i < count; ++i) {
    CheckSize(source, parts[i]);
    JsonbParseState* json = nullptr;
    Put(event, parts[i].place, PushColumns(source, parts[i], false, &json));
    if (!HasErasable(source, parts[i])) continue;
    any = true;
    PushString(&personal, WJB_KEY, parts[i].name);
    PushColumns(source, parts[i], true, &personal);
  }
  JsonbValue* const all = pushJsonbValue(&personal, WJB_END_OBJECT, nullptr);
  if (any) Put(event, kPersonal, all);
}

Part RowKey(const ColumnText* texts, const bool* columns) {
  return {"row_key", kRowKey, texts, columns};
}
Part OldValues(const ColumnText* texts, const bool* columns) {
  return {"old_values", kOldValues, texts, columns};
}
Part NewValues(const ColumnText* texts, const bool* columns) {
  return {"new_values", kNewValues, texts, columns};
}

// A row that came or went: all of it, and its key where it has one.
void FillWholeRow(ChangeSource* source, TupleTableSlot* row,
                  Part (*values)(const ColumnText*, const bool*), ChangeEvent* event) {
  const bool* const all = NewColumnSet(source, true);
  ColumnText* const texts = ReadTexts(source, row, all);
  SealTexts(source, all, texts);
  const Part parts[] = {values(texts, all), RowKey(texts, KeyColumns(source))};
  PutParts(source, parts, source->has_key ? 2 : 1, event);
}

bool FillChangedRow(ChangeSource* source, TupleTableSlot* before, TupleTableSlot* after,
                    ChangeEvent* event) {
  bool* const changed = NewColumnSet(source, false);
  if (MarkDifferent(source, before, after, changed) == 0) return false;
  const bool* const key = KeyColumns(source);
  const bool* const wanted = Union(source, changed, key);
  ColumnText* const old_texts = ReadTexts(source, before, wanted);
  ColumnText* const new_texts = ReadTexts(source, after, changed);
  bool any = false;
  for (int i = 0; i < source->column_count; ++i) {
    // Other bytes can be the same value: what counts is what the event would show.
    changed[i] = changed[i] &&
                 (old_texts[i].null != new_texts[i].null || old_texts[i].text != new_texts[i].text);
    any = any || changed[i];
  }
  if (!any) return false;
  SealTexts(source, wanted, old_texts);
  SealTexts(source, changed, new_texts);
  const Part parts[] = {RowKey(old_texts, key), OldValues(old_texts, changed),
                        NewValues(new_texts, changed)};
  PutParts(source, parts, 3, event);
  return true;
}

}  // namespace

bool FillChangedValues(ChangeSource* source, TupleTableSlot* before, TupleTableSlot* after,
                       ChangeEvent* event) {
  if (before != nullptr) slot_getallattrs(before);
  if (after != nullptr) slot_getallattrs(after);
  if (before != nullptr && after != nullptr) return FillChangedRow(source, before, after, event);
  FillWholeRow(source, before != nullptr ? before : after,
               before != nullptr ? OldValues : NewValues, event);
  return true;
}

}  // namespace bulla
