#include "pg/change_text.h"

extern "C" {
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
}

#include "pg/ledger_relation.h"
#include "pg/sealing.h"
#include "pg/value_bytes.h"
#include "pg/value_text.h"

namespace bulla {

namespace {

// What output functions of types read that value_text.h does not vouch for: reg* print as many names as
// the search_path needs, money as lc_monetary says. Rolling back ends it too.
int PinOtherSettings() {
  const int level = NewGUCNestLevel();
  for (const auto& [name, value] : {std::pair{"search_path", "pg_catalog"}, {"lc_monetary", "C"}}) {
    set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
  }
  return level;
}

bool SameBytes(const SourceColumn& column, Datum a, Datum b) {
  if (column.length == -1) {
    // An untouched value stored out of line is the same pointer.
    const void* const first = DatumGetPointer(a);
    const void* const second = DatumGetPointer(b);
    const size_t size = VARSIZE_ANY(first);
    if (VARSIZE_ANY(second) == size && memcmp(first, second, size) == 0) return true;
  }
  return datum_image_eq(a, b, column.by_value, column.length);
}

bool IsSealed(const SourceColumn& column, std::string_view text) {
  if (!column.sealed_as_bytes) return IsSealedText(text);
  return IsSealedBytes(ValueBytes(
      DirectFunctionCall1(byteain, CStringGetDatum(pnstrdup(text.data(), text.size())))));
}

}  // namespace

int MarkDifferent(const ChangeSource* source, TupleTableSlot* before, TupleTableSlot* after,
                  bool* different) {
  int count = 0;
  for (int i = 0; i < source->column_count; ++i) {
    const SourceColumn& column = source->columns[i];
    const bool null = before->tts_isnull[column.attribute];
    different[i] = null != after->tts_isnull[column.attribute] ||
                   (!null && !SameBytes(column, before->tts_values[column.attribute],
                                        after->tts_values[column.attribute]));
    if (different[i]) ++count;
  }
  return count;
}

ColumnText* ReadTexts(ChangeSource* source, TupleTableSlot* row, const bool* wanted) {
  auto* const texts =
      static_cast<ColumnText*>(palloc0(sizeof(ColumnText) * (source->column_count + 1)));
  const int level = source->has_other_types ? PinOtherSettings() : 0;
  for (int i = 0; i < source->column_count; ++i) {
    SourceColumn& column = source->columns[i];
    texts[i].null = row->tts_isnull[column.attribute];
    if (!wanted[i] || texts[i].null) continue;
    const std::string_view text = ValueText(&column.type, row->tts_values[column.attribute]);
    // Copied: it is valid until the next one.
    texts[i].text = {pnstrdup(text.data(), text.size()), text.size()};
  }
  if (source->has_other_types) AtEOXact_GUC(true, level);
  return texts;
}

void SealTexts(const ChangeSource* source, const bool* wanted, ColumnText* texts) {
  for (int i = 0; i < source->column_count; ++i) {
    const SourceColumn& column = source->columns[i];
    if (!wanted[i] || texts[i].null || column.seal_key == nullptr ||
        IsSealed(column, texts[i].text))
      continue;
    const char* const context =
        psprintf("%s.%s.%s", get_namespace_name(get_rel_namespace(source->root)),
                 get_rel_name(source->root), column.name);
    // Who writes needs no right to use the key: who had the column sealed was asked for it.
    texts[i].text =
        ValueBytes(PointerGetDatum(SealText(texts[i].text, column.seal_key, context, Use::kNone)));
  }
}

}  // namespace bulla
