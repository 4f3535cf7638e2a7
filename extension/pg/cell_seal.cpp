// bulla.seal_cell, BEFORE INSERT OR UPDATE FOR EACH ROW: values of a protected column are stored sealed, for
// the row that they stand in. It never seals twice, and never believes a value that it cannot open.

#include "pg/boundary.h"

extern "C" {
#include "access/htup_details.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
}

#include "core/key_state.h"
#include "pg/cell_change.h"
#include "pg/cell_counts.h"
#include "pg/cell_keys.h"
#include "pg/cell_memory.h"
#include "pg/cell_value.h"
#include "pg/emergency.h"
#include "pg/settings.h"
#include "pg/value_text.h"

namespace bulla {
namespace {

// One value on its way into the table.
struct Writing {
  Cell* cell;
  TupleTableSlot* before;  // nullptr for INSERT
  TupleTableSlot* after;
  Datum value;  // not null
};

const TriggerData* CheckedTrigger(FunctionCallInfo fcinfo) {
  const auto* const trigger = reinterpret_cast<const TriggerData*>(fcinfo->context);
  if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
      !TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || TRIGGER_FIRED_BY_DELETE(trigger->tg_event)) {
    ereport(ERROR,
            (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
             errmsg("this function must be called as a trigger that bulla.protect_column made")));
  }
  return trigger;
}

bool SameValue(Datum a, Datum b) {
  // An untouched value stored out of line is the same pointer.
  const void* const first = DatumGetPointer(a);
  const void* const second = DatumGetPointer(b);
  const size_t size = VARSIZE_ANY(first);
  if (VARSIZE_ANY(second) == size && memcmp(first, second, size) == 0) return true;
  return ValueBytes(a) == ValueBytes(b);
}

// By their text, which is what values are bound to. The first is copied: it is valid until the second.
bool SameText(BoundColumn* bound, Datum a, Datum b) {
  const std::string_view text = ValueText(&bound->type, a);
  const char* const first = pnstrdup(text.data(), text.size());
  return ValueText(&bound->type, b) == std::string_view(first, text.size());
}

void RefuseOtherBinding(const Writing& writing) {
  for (int i = 0; i < writing.cell->bound_count; ++i) {
    BoundColumn& bound = writing.cell->bound[i];
    if (writing.before->tts_isnull[bound.attribute] || writing.after->tts_isnull[bound.attribute] ||
        SameText(&bound, writing.before->tts_values[bound.attribute],
                 writing.after->tts_values[bound.attribute]))
      continue;
    ereport(
        ERROR,
        (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
         errmsg("column \"%s\" cannot change: the value of protected column \"%s\" is bound to it",
                bound.name_now, writing.cell->column),
         errhint("Insert a row with the other value, with the plaintext of the old row's \"%s\", "
                 "and delete the old row.",
                 writing.cell->column)));
  }
}

bool IsUnchanged(const Writing& writing) {
  const int attribute = writing.cell->attribute;
  return writing.before != nullptr && !writing.before->tts_isnull[attribute] &&
         SameValue(writing.before->tts_values[attribute], writing.value);
}

Datum Seal(const Writing& writing) {
  RequireNotRestricted(Restriction::kReadOnly);
  const Bytes context =
      ContextOfRow(writing.cell, writing.after->tts_values, writing.after->tts_isnull);
  const Datum sealed = SealValue(writing.cell, writing.value, context);
  NoteSealed(ValueBytes(sealed), context);
  return sealed;
}

// A sealed value that was written: it belongs here, or nobody knows.
Datum Admit(const Writing& writing) {
  if (restore_mode) {
    CountLeft(writing.cell, LeftBecause::kRestoring);
    return writing.value;
  }
  RequireNotRestricted(Restriction::kReadOnly);
  const std::string_view sealed = ValueBytes(writing.value);
  const Bytes here =
      ContextOfRow(writing.cell, writing.after->tts_values, writing.after->tts_isnull);
  const Bytes made_for = ContextOfSealed(sealed);
  if (!made_for.empty() && SameBytes(made_for, here)) return writing.value;
  if (!made_for.empty() && writing.before != nullptr) {
    const Datum resealed = ResealValue(writing.cell, writing.value, made_for, here);
    NoteSealed(ValueBytes(resealed), here);
    return resealed;
  }
  pg_uuid_t key;
  const char* const state = StateOfVersion(VersionOfSealed(sealed, writing.cell->bytes), &key);
  if (state != nullptr && state == Name(KeyState::kDestroyed)) {
    CountLeft(writing.cell, LeftBecause::kDestroyed);
    return writing.value;
  }
  CheckOpens(writing.cell, writing.value, here);
  return writing.value;
}

// What bulla.encrypt_column or bulla.reencrypt_column wants of a value that no one changed.
Datum ChangeUnchanged(const Writing& writing) {
  const CellChange* const change = CellChangePermission::Current();
  if (change == nullptr || !(change->id == writing.cell->id)) return writing.value;
  const bool sealed = IsSealed(writing.cell, writing.value);
  if (!change->reencrypt) return sealed ? writing.value : Seal(writing);
  if (!sealed || VersionOfSealed(ValueBytes(writing.value), writing.cell->bytes) == change->primary)
    return writing.value;
  RequireNotRestricted(Restriction::kReadOnly);
  const Bytes context =
      ContextOfRow(writing.cell, writing.after->tts_values, writing.after->tts_isnull);
  return ResealValue(writing.cell, writing.value, context, context);
}

Datum Store(const Writing& writing) {
  if (IsUnchanged(writing)) return ChangeUnchanged(writing);
  return IsSealed(writing.cell, writing.value) ? Admit(writing) : Seal(writing);
}

// Errors of opening say nothing of where.
void NameColumn(void* state) {
  const auto* const cell = static_cast<const Cell*>(state);
  errcontext("protected column \"%s\" of table \"%s\"", cell->column, cell->table);
}

}  // namespace

BULLA_FUNCTION(bulla_seal_cell);
Datum bulla_seal_cell(PG_FUNCTION_ARGS) {
  const TriggerData* const trigger = CheckedTrigger(fcinfo);
  const bool update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
  const HeapTuple row = update ? trigger->tg_newtuple : trigger->tg_trigtuple;
  Writing writing = {DescribeCell(trigger->tg_relation, trigger->tg_trigger),
                     update ? trigger->tg_trigslot : nullptr,
                     update ? trigger->tg_newslot : trigger->tg_trigslot, Datum{0}};
  slot_getallattrs(writing.after);
  if (update) {
    slot_getallattrs(writing.before);
    if (!restore_mode) RefuseOtherBinding(writing);
  }
  int attribute = writing.cell->attribute + 1;
  if (writing.after->tts_isnull[attribute - 1]) return PointerGetDatum(row);
  writing.value = writing.after->tts_values[attribute - 1];

  ErrorContextCallback where = {error_context_stack, NameColumn, writing.cell};
  error_context_stack = &where;
  Datum stored = Store(writing);
  error_context_stack = where.previous;

  if (stored == writing.value) return PointerGetDatum(row);
  bool null = false;
  return PointerGetDatum(heap_modify_tuple_by_cols(row, RelationGetDescr(trigger->tg_relation), 1,
                                                   &attribute, &stored, &null));
}

// Never called, as it stands under WHEN (false): its trigger is there for its column list.
BULLA_FUNCTION(bulla_name_cell_columns);
Datum bulla_name_cell_columns(PG_FUNCTION_ARGS) {
  const TriggerData* const trigger = CheckedTrigger(fcinfo);
  return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple
                                                                    : trigger->tg_trigtuple);
}

}  // namespace bulla
