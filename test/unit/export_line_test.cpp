#include "verify/export_line.h"

#include <fstream>

#include <gtest/gtest.h>

#include "vectors.h"

namespace bulla::verify {
namespace {

std::vector<std::string> VectorLines() {
  std::ifstream file(std::string(TESTDATA_DIR) + "/export.jsonl");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

// A row with one value, as it stands in the line.
std::string RowWith(const std::string& text) {
  return R"({"line":"row","chain":"","seq":0,"prevHash":"","hash":"","columns":{"v":)" + text +
         R"(},"record":null})";
}
std::optional<std::string> ValueOf(const std::string& text) {
  RowLine row;
  const std::string line = RowWith(text);
  if (!ReadRowLine(line, &row).ok()) return {};
  return std::string(row.values.at(0).text);
}

TEST(ExportLineTest, TheExampleOfTheSpecificationIsRead) {
  const std::vector<std::string> lines = VectorLines();
  const LedgerLine ledger = ReadLedgerLine(lines[0]).value();
  EXPECT_EQ(ToHex(ledger.id.bytes), "0f8c5b1e3f7a4c2d9e604b1d2a3c4e5f");
  EXPECT_EQ(ledger.ledger, "public.audit");
  EXPECT_EQ(ledger.chain_by, std::vector<std::string>{"tenant"});
  EXPECT_EQ(ledger.chain_by_columns, std::vector<size_t>{3});
  EXPECT_EQ(ledger.columns.size(), 4U);
  EXPECT_EQ(ledger.chain, std::nullopt);
  EXPECT_EQ(ledger.to_seq, std::nullopt);
  RowLine row;
  ASSERT_TRUE(ReadRowLine(lines[2], &row).ok());
  EXPECT_EQ(row.chain, "acme");
  EXPECT_EQ(row.seq, 1U);
  EXPECT_EQ(row.values[0].text, "said \"no\"");
  EXPECT_EQ(row.values[3].name, "tenant");
  const ChainLine chain = ReadChainLine(lines[3]).value();
  EXPECT_EQ(chain.rows, 2U);
  EXPECT_EQ(chain.last_hash, row.hash);
  EXPECT_EQ(ReadEndLine(lines[4]).value().chains, 1U);
  const LineKind kinds[] = {LineKind::kLedger, LineKind::kRow, LineKind::kRow, LineKind::kChain,
                            LineKind::kEnd};
  for (size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(KindOf(lines[i]), kinds[i]);
  EXPECT_EQ(KindOf("{}"), std::nullopt);
}

TEST(ExportLineTest, LinesThatWereCutOrContinuedAreRefused) {
  const std::vector<std::string> lines = VectorLines();
  RowLine row;
  for (size_t i = 0; i < lines.size(); ++i) {
    for (size_t size = 0; size <= lines[i].size() + 1; ++size) {
      if (size == lines[i].size()) continue;
      const std::string line = size < lines[i].size() ? lines[i].substr(0, size) : lines[i] + " ";
      EXPECT_FALSE(ReadLedgerLine(line).ok() || ReadRowLine(line, &row).ok() ||
                   ReadChainLine(line).ok() || ReadEndLine(line).ok())
          << line;
    }
  }
}

TEST(ExportLineTest, ATextHasOneForm) {
  EXPECT_EQ(ValueOf(R"("plain ü € 😀 / ' ")"), "plain ü € 😀 / ' ");
  EXPECT_EQ(ValueOf(R"("\"\\\b\t\n\f\r\u0001\u001f\u000b")"), "\"\\\b\t\n\f\r\x01\x1f\x0b");
  EXPECT_EQ(ValueOf("\"a\x7F\""), "a\x7F");
  for (const char* const bad :
       {R"("\/")",     R"("\u0041")", R"("\u000a")", R"("\u000A")",  R"("\u0000")",
        R"("\u001F")", R"("\u00)",    R"("\x")",     R"("\")",       R"("open)",
        R"(plain)",    R"(1)",        R"(null)",     R"({})",        R"("a" )",
        R"( "a")",     "\"tab\t\"",   "\"line\n\"",  "\"\xC0\x80\"", "\"\xED\xA0\x80\"",
        "\"\xFF\"",    "\"\\n\xC3\""})
    EXPECT_EQ(ValueOf(bad), std::nullopt) << bad;
}

TEST(ExportLineTest, ANumberHasOneForm) {
  const auto seq_of = [](const std::string& number) -> std::optional<uint64_t> {
    const Result<EndLine> end =
        ReadEndLine(R"({"line":"end","chains":)" + number + R"(,"rows":0,"sha256":""})");
    if (!end.ok()) return {};
    return end.value().chains;
  };
  EXPECT_EQ(seq_of("0"), 0U);
  EXPECT_EQ(seq_of("9223372036854775807"), 9'223'372'036'854'775'807U);
  for (const char* const bad : {"9223372036854775808", "18446744073709551616", "-1", "01", "00",
                                "1.0", "1e3", "+1", "", " 1", "\"1\""})
    EXPECT_EQ(seq_of(bad), std::nullopt) << bad;
}

TEST(ExportLineTest, AHeaderHasToMakeSense) {
  const std::string sound = VectorLines()[0];
  const std::pair<const char*, const char*> changes[] = {
      {"bulla.export.v1", "bulla.export.v2"},
      {"0f8c5b1e-3f7a", "0f8c5b1e3f7a-"},
      {"0f8c5b1e", "0F8C5B1E"},
      {"0f8c5b1e", "0f8c5b1"},
      {R"("chainBy":["tenant"])", R"("chainBy":["nobody"])"},
      {R"("chainBy":["tenant"])", R"("chainBy":null)"},
      {R"("erasable":[])", R"("erasable":["nobody"])"},
      {R"("erasable":[])", R"("erasable":["tenant"])"},
      {R"("erasable":[])", R"("erasable":["at","at"])"},
      {R"({"name":"action")", R"({"name":"b")"},
      {R"({"name":"action")", R"({"name":"at")"},
      {R"("fromSeq":0)", R"("fromSeq":null)"},
  };
  EXPECT_TRUE(ReadLedgerLine(sound).ok());
  for (const auto& [what, other] : changes) {
    std::string changed = sound;
    ASSERT_NE(changed.find(what), std::string::npos) << what;
    changed.replace(changed.find(what), std::string_view(what).size(), other);
    EXPECT_FALSE(ReadLedgerLine(changed).ok()) << other;
  }
}

TEST(ExportLineTest, OpeningsAreReadWithAndWithoutSalt) {
  RowLine row;
  const std::string start =
      R"({"line":"row","chain":"","seq":0,"prevHash":"","hash":"","columns":{},"openings":)";
  const std::string two =
      start + R"({"a":{"commitment":"01","salt":"02"},"b":{"commitment":"03"}},"record":""})";
  ASSERT_TRUE(ReadRowLine(two, &row).ok());
  ASSERT_EQ(row.openings.size(), 2U);
  EXPECT_EQ(row.openings[0].salt, "02");
  EXPECT_EQ(row.openings[1].commitment, "03");
  EXPECT_EQ(row.openings[1].salt, std::nullopt);
  EXPECT_EQ(row.record, "");
  EXPECT_FALSE(ReadRowLine(start + R"({},"record":""})", &row).ok());
  EXPECT_FALSE(
      ReadRowLine(start + R"({"a":{"salt":"02","commitment":"01"}},"record":""})", &row).ok());
}

}  // namespace
}  // namespace bulla::verify
