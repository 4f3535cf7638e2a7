#include "pg/export_ledger.h"

#include <string>
#include <vector>

extern "C" {
#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
}

#include "core/export_lines.h"
#include "pg/boundary.h"
#include "pg/context_owned.h"
#include "pg/ordered_rows.h"
#include "pg/row_openings.h"
#include "pg/row_record.h"
#include "pg/row_scan.h"
#include "pg/uuid_ids.h"
#include "pg/versions.h"
#include "pg/value_bytes.h"
#include "pg/value_text.h"

namespace bulla {
namespace {

struct Lines {
  ExportLines format;
  std::string chain_key;  // of the chain that is open
  bool open = false;
};

struct Export {
  Relation ledger;
  ExportRange range;
  Lines* lines;
  void (*put)(std::string_view line, void* state);
  void* state;
  bool may_have_written;  // this transaction has an id, so a row may be its own
  MemoryContext row_memory;
};

void Put(const Export* run, std::string_view line) { run->put(line, run->state); }

// One line, made in C++ and handed on when only text is left of it.
template <class Make>
void PutLine(const Export* run, Make make) {
  Put(run, Enter([&]() -> Result<std::string_view> { return make(&run->lines->format); }));
}

std::string_view Copy(std::string_view text) {
  return {pnstrdup(text.data(), text.size()), text.size()};
}

std::string_view* NameViews(const char* const* names, int count) {
  auto* const views =
      static_cast<std::string_view*>(palloc(sizeof(std::string_view) * (count + 1)));
  for (int i = 0; i < count; ++i) views[i] = names[i];
  return views;
}

size_t Count(int count) { return static_cast<size_t>(count); }

void PutHeader(const Export* run) {
  const LedgerRelation* const ledger = DescribeLedger(run->ledger);
  const LedgerArguments& arguments = ledger->arguments;
  auto* const columns =
      static_cast<ExportColumn*>(palloc(sizeof(ExportColumn) * (ledger->column_count + 1)));
  for (int i = 0; i < ledger->column_count; ++i) {
    const LedgerColumn& column = ledger->columns[i];
    const int32 modifier =
        TupleDescAttr(RelationGetDescr(run->ledger), column.attribute)->atttypmod;
    columns[i] = {column.name, format_type_with_typemod(column.type_oid, modifier)};
  }
  ExportHeader header{};
  header.ledger = QualifiedName(RelationGetRelid(run->ledger));
  header.ledger_id = IdText(arguments.id);
  header.created_at = arguments.created_at;
  header.created_by = arguments.created_by;
  header.retroactive_rows = arguments.retroactive_rows;
  header.chain_by = {NameViews(arguments.chain_by, arguments.chain_by_count),
                     Count(arguments.chain_by_count)};
  header.erasable = {NameViews(arguments.erasable, arguments.erasable_count),
                     Count(arguments.erasable_count)};
  header.columns = {columns, Count(ledger->column_count)};
  if (run->range.chain != nullptr) header.chain = run->range.chain;
  header.first = run->range.first;
  if (run->range.last != PG_INT64_MAX) header.last = run->range.last;
  PutLine(run, [&](ExportLines* format) { return format->Header(header); });
}

void EndChain(const Export* run) {
  if (!run->lines->open) return;
  run->lines->open = false;
  PutLine(run, [](ExportLines* format) { return format->EndChain(); });
}

void EnterChain(const Export* run, const LedgerRelation* ledger, const RowChain& chain) {
  if (run->lines->open && SameBytes(AsBytes(run->lines->chain_key), chain.key)) return;
  EndChain(run);
  const char* const name = NameOfChain(ledger, chain.values);
  Enter([&]() -> Result<void> {
    run->lines->chain_key = AsText(chain.key);
    run->lines->open = true;
    run->lines->format.BeginChain(name);
    return {};
  });
}

// What leaves the database cannot be rolled back.
void RefuseOwnRow(const Export* run, TupleTableSlot* row) {
  if (!run->may_have_written) return;
  bool null;
  const TransactionId writer =
      DatumGetTransactionId(slot_getsysattr(row, MinTransactionIdAttributeNumber, &null));
  if (!TransactionIdIsCurrentTransactionId(writer)) return;
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("ledger \"%s\" has rows of this transaction, which is not committed",
                         RelationGetRelationName(run->ledger)),
                  errhint("Commit, then export.")));
}

Bytes BytesOf(Datum value, bool null) { return null ? Bytes{} : AsBytes(ValueBytes(value)); }

// The columns as their record holds them, before it digests the long ones.
std::span<const ExportValue> ValuesOf(const LedgerRelation* ledger, const TupleTableSlot* row) {
  auto* const values =
      static_cast<ExportValue*>(palloc(sizeof(ExportValue) * (ledger->column_count + 1)));
  size_t count = 0;
  for (int i = 0; i < ledger->column_count; ++i) {
    LedgerColumn& column = ledger->columns[i];
    if (row->tts_isnull[column.attribute]) continue;
    const std::string_view text = ValueText(&column.type, row->tts_values[column.attribute]);
    values[count++] = {{column.name, column.name_size}, Copy(text)};
  }
  return {values, count};
}

// Empty where there are none, or where they cannot be read; then the row has no record either.
std::span<const Opening> OpeningsOfRow(const LedgerRelation* ledger, const TupleTableSlot* row) {
  OpeningsReader reader(OpeningsOf(ledger, row->tts_values, row->tts_isnull));
  if (!reader.ok()) return {};
  auto* const openings = static_cast<Opening*>(palloc(sizeof(Opening) * (reader.count() + 1)));
  size_t count = 0;
  while (reader.Next(&openings[count])) ++count;
  return {openings, count};
}

void PutRow(const Export* run, LedgerRelation* ledger, TupleTableSlot* row) {
  const Datum* const values = row->tts_values;
  const bool* const nulls = row->tts_isnull;
  RefuseOwnRow(run, row);
  RowChain chain;
  if (!ChainOfRow(ledger, values, nulls, &chain)) {
    ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
                    errmsg("a row of ledger \"%s\" belongs to no chain",
                           RelationGetRelationName(run->ledger)),
                    errhint("bulla.verify tells which.")));
  }
  EnterChain(run, ledger, chain);
  ExportRow line{};
  line.seq = DatumGetInt64(values[ledger->seq]);
  line.prev_hash = BytesOf(values[ledger->prev_hash], nulls[ledger->prev_hash]);
  line.hash = BytesOf(values[ledger->hash], nulls[ledger->hash]);
  line.values = ValuesOf(ledger, row);
  line.openings = OpeningsOfRow(ledger, row);
  LeafHash prev_hash;
  RecordWriter* const record = BackendRecord();
  WriteColumns(ledger, chain, values, nulls, record);
  if (!nulls[ledger->prev_hash] && ReadHash(values[ledger->prev_hash], &prev_hash)) {
    record->Finish(static_cast<uint64_t>(line.seq), prev_hash);
    if (record->ok()) line.record = record->record();
  }
  PutLine(run, [&](ExportLines* format) { return format->Row(line); });
}

void PutRowInItsMemory(LedgerRelation* leaf, TupleTableSlot* row, void* state) {
  const auto* const run = static_cast<const Export*>(state);
  const MemoryContext caller = MemoryContextSwitchTo(run->row_memory);
  PutRow(run, leaf, row);
  MemoryContextSwitchTo(caller);
  MemoryContextReset(run->row_memory);
}

RowRange RangeOf(const Export* run) {
  RowRange range{run->range.chain != nullptr, nullptr, run->range.first, run->range.last};
  if (!range.one_chain) return range;
  range.chain = ChainOfName(DescribeLedger(run->ledger), run->range.chain);
  if (*run->range.chain != '\0' &&
      ScanHead(RelationGetRelid(run->ledger), range.chain, GetActiveSnapshot()).seq < 0) {
    ereport(ERROR,
            (errcode(ERRCODE_NO_DATA_FOUND),
             errmsg("ledger \"%s\" has no chain \"%s\"", RelationGetRelationName(run->ledger),
                    run->range.chain),
             errhint("A chain is named by the text of its chain_by value, or of a row of them.")));
  }
  return range;
}

}  // namespace

void ExportLedger(Oid ledger, const ExportRange& range,
                  void (*put)(std::string_view line, void* state), void* state) {
  const Relation relation = table_open(ledger, AccessShareLock);
  // Of now, whatever the isolation level: no row may be left out behind one that is shown.
  PushActiveSnapshot(GetLatestSnapshot());
  Export run{
      relation,
      range,
      NewInContext<Lines>(),
      put,
      state,
      TransactionIdIsValid(GetTopTransactionIdIfAny()),
      AllocSetContextCreate(CurrentMemoryContext, "bulla exported row", ALLOCSET_DEFAULT_SIZES)};
  PutHeader(&run);
  ReadRowsInOrder(ledger, RangeOf(&run), GetActiveSnapshot(), PutRowInItsMemory, &run);
  EndChain(&run);
  PutLine(&run, [](ExportLines* format) { return format->End(); });
  PopActiveSnapshot();
  table_close(relation, AccessShareLock);
}

}  // namespace bulla
