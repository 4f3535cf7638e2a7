#include "verify/export_line.h"

#include <algorithm>

#include "core/hex.h"
#include "verify/json_cursor.h"

namespace bulla::verify {
namespace {

constexpr std::string_view kLedgerStart = R"({"line":"ledger",)";
constexpr std::string_view kRowStart = R"({"line":"row",)";
constexpr std::string_view kChainStart = R"({"line":"chain",)";
constexpr std::string_view kEndStart = R"({"line":"end",)";

Error Malformed(std::string_view what, const JsonCursor& cursor) {
  return {Code::kInvalidArgument, "malformed " + std::string(what) + " line: byte " +
                                      std::to_string(cursor.failed_at() + 1) +
                                      " is not what the format asks for"};
}

Error Wrong(std::string_view why) { return {Code::kInvalidArgument, std::string(why)}; }

bool ReadText(JsonCursor* cursor, std::string* text) {
  std::string_view view;
  if (!cursor->Text(&view)) return false;
  *text = view;
  return true;
}

bool ReadNames(JsonCursor* cursor, std::vector<std::string>* names) {
  if (!cursor->Expect("[")) return false;
  if (cursor->Skip("]")) return true;
  do {
    if (!ReadText(cursor, &names->emplace_back())) return false;
  } while (cursor->Skip(","));
  return cursor->Expect("]");
}

bool ReadColumns(JsonCursor* cursor, std::vector<LedgerLine::Column>* columns) {
  std::string_view type;
  if (!cursor->Expect("[")) return false;
  if (cursor->Skip("]")) return true;
  do {
    if (!cursor->Expect(R"({"name":)") || !ReadText(cursor, &columns->emplace_back().name) ||
        !cursor->Expect(R"(,"type":)") || !cursor->Text(&type) || !cursor->Expect("}"))
      return false;
  } while (cursor->Skip(","));
  return cursor->Expect("]");
}

bool ReadUuid(std::string_view text, LedgerId* id) {
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen != (text[i] == '-')) return false;
    if (!hyphen) digits.push_back(text[i]);
  }
  return text.size() == 36 && DecodeHex(digits, id->bytes);
}

bool ReadLedgerMembers(JsonCursor* cursor, LedgerLine* ledger, std::vector<std::string>* erasable) {
  if (!cursor->Expect(R"(,"ledgerId":)") || !ReadText(cursor, &ledger->id_text) ||
      !cursor->Expect(R"(,"ledger":)") || !ReadText(cursor, &ledger->ledger) ||
      !cursor->Expect(R"(,"createdAt":)") || !ReadText(cursor, &ledger->created_at) ||
      !cursor->Expect(R"(,"createdBy":)") || !ReadText(cursor, &ledger->created_by) ||
      !cursor->Expect(R"(,"retroactiveRows":)") || !cursor->Number(&ledger->retroactive_rows) ||
      !cursor->Expect(R"(,"chainBy":)") || !ReadNames(cursor, &ledger->chain_by) ||
      !cursor->Expect(R"(,"erasable":)") || !ReadNames(cursor, erasable) ||
      !cursor->Expect(R"(,"columns":)") || !ReadColumns(cursor, &ledger->columns) ||
      !cursor->Expect(R"(,"chain":)"))
    return false;
  if (!cursor->Skip("null") && !ReadText(cursor, &ledger->chain.emplace())) return false;
  if (!cursor->Expect(R"(,"fromSeq":)") || !cursor->Number(&ledger->from_seq) ||
      !cursor->Expect(R"(,"toSeq":)"))
    return false;
  if (!cursor->Skip("null") && !cursor->Number(&ledger->to_seq.emplace())) return false;
  return cursor->Expect("}") && cursor->AtEnd();
}

LedgerLine::Column* FindColumn(LedgerLine* ledger, const std::string& name) {
  for (LedgerLine::Column& column : ledger->columns)
    if (column.name == name) return &column;
  return nullptr;
}

Result<LedgerLine> CheckLedger(LedgerLine ledger, const std::vector<std::string>& erasable) {
  if (!ReadUuid(ledger.id_text, &ledger.id)) return Wrong("ledgerId is no uuid");
  for (size_t i = 1; i < ledger.columns.size(); ++i)
    if (ledger.columns[i - 1].name >= ledger.columns[i].name)
      return Wrong("columns do not stand in the order of their names");
  for (const std::string& name : erasable) {
    LedgerLine::Column* const column = FindColumn(&ledger, name);
    if (column == nullptr || column->erasable)
      return Wrong("erasable does not name columns, each once");
    column->erasable = true;
  }
  for (const std::string& name : ledger.chain_by) {
    const LedgerLine::Column* const column = FindColumn(&ledger, name);
    if (column == nullptr || column->erasable)
      return Wrong("chainBy names what is no column, or one that can be erased");
    ledger.chain_by_columns.push_back(static_cast<size_t>(column - ledger.columns.data()));
  }
  return ledger;
}

bool ReadValues(JsonCursor* cursor, std::vector<RowLine::Value>* values) {
  values->clear();
  if (!cursor->Expect("{")) return false;
  if (cursor->Skip("}")) return true;
  do {
    RowLine::Value& value = values->emplace_back();
    if (!cursor->Text(&value.name) || !cursor->Expect(":") || !cursor->Text(&value.text))
      return false;
  } while (cursor->Skip(","));
  return cursor->Expect("}");
}

// At least one: without any the member is not there.
bool ReadOpenings(JsonCursor* cursor, std::vector<RowLine::Opening>* openings) {
  openings->clear();
  if (!cursor->Skip(R"(,"openings":)")) return true;
  if (!cursor->Expect("{")) return false;
  do {
    RowLine::Opening& opening = openings->emplace_back();
    if (!cursor->Text(&opening.name) || !cursor->Expect(R"(:{"commitment":)") ||
        !cursor->Text(&opening.commitment))
      return false;
    if (cursor->Skip(R"(,"salt":)") && !cursor->Text(&opening.salt.emplace())) return false;
    if (!cursor->Expect("}")) return false;
  } while (cursor->Skip(","));
  return cursor->Expect("}");
}

bool ReadRecord(JsonCursor* cursor, std::optional<std::string_view>* record) {
  record->reset();
  if (!cursor->Expect(R"(,"record":)")) return false;
  return cursor->Skip("null") || cursor->Text(&record->emplace());
}

}  // namespace

std::optional<LineKind> KindOf(std::string_view line) {
  if (line.starts_with(kRowStart)) return LineKind::kRow;
  if (line.starts_with(kChainStart)) return LineKind::kChain;
  if (line.starts_with(kEndStart)) return LineKind::kEnd;
  if (line.starts_with(kLedgerStart)) return LineKind::kLedger;
  return {};
}

Result<LedgerLine> ReadLedgerLine(std::string_view line) {
  std::string unescaped;
  JsonCursor cursor(line, &unescaped);
  LedgerLine ledger;
  std::vector<std::string> erasable;
  if (!cursor.Expect(kLedgerStart) || !cursor.Skip(R"("format":"bulla.export.v1")"))
    return Wrong("this is no export in the format bulla.export.v1");
  if (!ReadLedgerMembers(&cursor, &ledger, &erasable)) return Malformed("ledger", cursor);
  return CheckLedger(std::move(ledger), erasable);
}

Result<void> ReadRowLine(std::string_view line, RowLine* row) {
  JsonCursor cursor(line, &row->unescaped);
  if (cursor.Expect(kRowStart) && cursor.Expect(R"("chain":)") && cursor.Text(&row->chain) &&
      cursor.Expect(R"(,"seq":)") && cursor.Number(&row->seq) && cursor.Expect(R"(,"prevHash":)") &&
      cursor.Text(&row->prev_hash) && cursor.Expect(R"(,"hash":)") && cursor.Text(&row->hash) &&
      cursor.Expect(R"(,"columns":)") && ReadValues(&cursor, &row->values) &&
      ReadOpenings(&cursor, &row->openings) && ReadRecord(&cursor, &row->record) &&
      cursor.Expect("}") && cursor.AtEnd())
    return {};
  return Malformed("row", cursor);
}

Result<ChainLine> ReadChainLine(std::string_view line) {
  std::string unescaped;
  JsonCursor cursor(line, &unescaped);
  ChainLine chain;
  if (cursor.Expect(kChainStart) && cursor.Expect(R"("chain":)") &&
      ReadText(&cursor, &chain.chain) && cursor.Expect(R"(,"rows":)") &&
      cursor.Number(&chain.rows) && cursor.Expect(R"(,"lastSeq":)") &&
      cursor.Number(&chain.last_seq) && cursor.Expect(R"(,"lastHash":)") &&
      ReadText(&cursor, &chain.last_hash) && cursor.Expect("}") && cursor.AtEnd())
    return chain;
  return Malformed("chain", cursor);
}

Result<EndLine> ReadEndLine(std::string_view line) {
  std::string unescaped;
  JsonCursor cursor(line, &unescaped);
  EndLine end;
  if (cursor.Expect(kEndStart) && cursor.Expect(R"("chains":)") && cursor.Number(&end.chains) &&
      cursor.Expect(R"(,"rows":)") && cursor.Number(&end.rows) && cursor.Expect(R"(,"sha256":)") &&
      ReadText(&cursor, &end.sha256) && cursor.Expect("}") && cursor.AtEnd())
    return end;
  return Malformed("end", cursor);
}

}  // namespace bulla::verify
