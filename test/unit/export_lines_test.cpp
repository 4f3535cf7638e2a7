#include "core/export_lines.h"

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "vectors.h"

namespace bulla {
namespace {

using nlohmann::json;

std::vector<std::string> VectorLines() {
  std::ifstream file(std::string(TESTDATA_DIR) + "/export.jsonl");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

// One row as its JSON has it, its record computed anew.
std::string RowOf(ExportLines* lines, const json& row) {
  const auto texts = row.at("columns").get<std::map<std::string, std::string>>();
  const auto prev_hash = HexIn(row, "prevHash");
  const auto hash = HexIn(row, "hash");
  std::vector<ExportValue> values;
  const auto id = FromHex("0f8c5b1e3f7a4c2d9e604b1d2a3c4e5f");
  LedgerId ledger;
  std::copy(id.begin(), id.end(), ledger.bytes.begin());
  LeafHash link;
  std::copy(prev_hash.begin(), prev_hash.end(), link.bytes.begin());
  auto record = std::make_unique<RecordWriter>();
  Sha256 hasher;
  record->Begin(ledger, FromHex("0000000461636d65"));
  for (const auto& [name, text] : texts) {
    values.push_back({name, text});
    record->Column(AsBytes(name), AsBytes(text), &hasher);
  }
  record->EndColumns();
  record->Finish(row.at("seq").get<uint64_t>(), link);
  ExportRow line{};
  line.seq = row.at("seq").get<int64_t>();
  line.prev_hash = prev_hash;
  line.hash = hash;
  line.values = values;
  line.record = record->record();
  return std::string(lines->Row(line));
}

TEST(ExportLinesTest, TheExampleOfTheSpecificationIsWritten) {
  const std::vector<std::string> want = VectorLines();
  ASSERT_EQ(want.size(), 5U);
  const std::vector<std::string_view> chain_by{"tenant"};
  const std::vector<ExportColumn> columns{{"action", "text"},
                                          {"at", "timestamp with time zone"},
                                          {"event_id", "uuid"},
                                          {"tenant", "text"}};
  ExportHeader header{};
  header.ledger = "public.audit";
  header.ledger_id = "0f8c5b1e-3f7a-4c2d-9e60-4b1d2a3c4e5f";
  header.created_at = "2026-03-01 09:00:00+00";
  header.created_by = "alice";
  header.chain_by = chain_by;
  header.columns = columns;
  ExportLines lines;
  EXPECT_EQ(lines.Header(header), want[0]);
  lines.BeginChain("acme");
  EXPECT_EQ(RowOf(&lines, json::parse(want[1])), want[1]);
  EXPECT_EQ(RowOf(&lines, json::parse(want[2])), want[2]);
  EXPECT_EQ(lines.EndChain(), want[3]);
  const auto end = lines.End();
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(end.value(), want[4]);
}

TEST(ExportLinesTest, ARangeAndAChainStandInTheHeader) {
  ExportHeader header{};
  header.chain = "";
  header.first = 7;
  header.last = 9'223'372'036'854'775'806;
  ExportLines lines;
  const json line = json::parse(lines.Header(header));
  EXPECT_EQ(line["chain"], "");
  EXPECT_EQ(line["fromSeq"], 7);
  EXPECT_EQ(line["toSeq"], 9'223'372'036'854'775'806);
  EXPECT_TRUE(line["columns"].empty());
}

// Every character comes back, and nothing is escaped that need not be.
TEST(ExportLinesTest, TextIsEscapedInOneWay) {
  std::string text;
  for (char c = 1; c < 0x7F; ++c) text.push_back(c);
  text += "\x7F ü € 😀";
  const ExportValue value{"v", text};
  ExportRow row{};
  row.values = {&value, 1};
  ExportLines lines;
  lines.BeginChain("a\"b\\c\n");
  const std::string line(lines.Row(row));
  EXPECT_EQ(json::parse(line)["columns"]["v"], text);
  EXPECT_EQ(json::parse(line)["chain"], "a\"b\\c\n");
  EXPECT_NE(line.find("\\u0001\\u0002"), std::string::npos);
  EXPECT_NE(line.find("\\u0007\\b\\t\\n\\u000b\\f\\r\\u000e"), std::string::npos);
  EXPECT_NE(line.find("\\u001f !\\\"#"), std::string::npos);
  EXPECT_NE(line.find("./0"), std::string::npos);
  EXPECT_NE(line.find("\x7F ü € 😀"), std::string::npos);
}

TEST(ExportLinesTest, AnErasedValueKeepsItsCommitmentAndLosesItsSalt) {
  const std::vector<std::byte> commitment(32, std::byte{0xAB});
  const std::vector<std::byte> salt(32, std::byte{0x01});
  const std::vector<Opening> openings{{AsBytes("ip"), commitment, salt},
                                      {AsBytes("name"), commitment, {}}};
  ExportRow row{};
  row.openings = openings;
  ExportLines lines;
  lines.BeginChain("");
  const json line = json::parse(lines.Row(row));
  EXPECT_EQ(line["openings"]["ip"]["salt"], ToHex(salt));
  EXPECT_EQ(line["openings"]["ip"]["commitment"], ToHex(commitment));
  EXPECT_EQ(line["openings"]["name"], json({{"commitment", ToHex(commitment)}}));
}

TEST(ExportLinesTest, ADamagedRowIsToldAsItIs) {
  ExportRow row{};
  row.seq = 3;
  const std::byte short_hash[] = {std::byte{0xFF}};
  row.hash = short_hash;
  ExportLines lines;
  lines.BeginChain("");
  EXPECT_EQ(
      lines.Row(row),
      R"({"line":"row","chain":"","seq":3,"prevHash":"","hash":"ff","columns":{},"record":null})");
}

TEST(ExportLinesTest, CountsAreThoseOfEachChainAndOfAll) {
  ExportLines lines;
  lines.Header({});
  for (const char* const chain : {"a", "b"}) {
    lines.BeginChain(chain);
    for (int64_t seq = 0; seq < 3; ++seq) {
      ExportRow row{};
      row.seq = seq;
      lines.Row(row);
    }
    const json end = json::parse(lines.EndChain());
    EXPECT_EQ(end["chain"], chain);
    EXPECT_EQ(end["rows"], 3);
    EXPECT_EQ(end["lastSeq"], 2);
  }
  const auto end = lines.End();
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(json::parse(end.value())["chains"], 2);
  EXPECT_EQ(json::parse(end.value())["rows"], 6);
}

}  // namespace
}  // namespace bulla
