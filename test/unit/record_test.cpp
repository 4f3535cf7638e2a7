#include "core/record.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/chain_name.h"
#include "vectors.h"

namespace bulla {
namespace {

// [text] or [text, times].
std::string TextOf(const nlohmann::json& value, size_t at) {
  std::string text;
  const size_t times = value.size() > at + 1 ? value[at + 1].get<size_t>() : 1;
  for (size_t i = 0; i < times; ++i) text += value[at].get_ref<const std::string&>();
  return text;
}

struct Row {
  LedgerId ledger;
  std::vector<std::string> chain;
  std::vector<std::pair<std::string, std::string>> columns;  // those that are not NULL, by name
  uint64_t seq;
  LeafHash prev_hash;
};

Row RowOf(const nlohmann::json& vector) {
  Row row;
  std::ranges::copy(HexIn(vector, "ledger_id"), row.ledger.bytes.begin());
  for (const auto& value : vector["chain"]) {
    row.chain.push_back(value.get<std::string>());
  }
  for (const auto& column : vector["columns"]) {
    if (!column[1].is_null()) row.columns.emplace_back(column[0], TextOf(column, 1));
  }
  std::ranges::sort(row.columns);
  row.seq = vector["seq"].get<uint64_t>();
  std::ranges::copy(HexIn(vector, "prev_hash"), row.prev_hash.bytes.begin());
  return row;
}

std::vector<std::string_view> Views(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

std::vector<std::byte> ChainKeyOf(const Row& row) {
  std::vector<std::byte> key(ChainKeySize(Views(row.chain)));
  ByteWriter out(key);
  WriteChainKey(Views(row.chain), &out);
  return key;
}

class RecordTest : public ::testing::Test {
 protected:
  void WritePrefix(const Row& row) {
    record_->Begin(row.ledger, ChainKeyOf(row));
    for (const auto& [name, value] : row.columns)
      record_->Column(AsBytes(name), AsBytes(value), &hasher_);
    record_->EndColumns();
  }
  void Write(const Row& row) {
    WritePrefix(row);
    record_->Finish(row.seq, row.prev_hash);
  }

  Sha256 hasher_;
  std::unique_ptr<RecordWriter> record_ = std::make_unique<RecordWriter>();
};

TEST_F(RecordTest, EqualsTheVectorsOfTheSpecification) {
  for (const auto& vector : LoadVectors("record.json", "vectors")) {
    SCOPED_TRACE(vector["desc"]);
    const Row row = RowOf(vector);
    if (vector.contains("want_error")) {
      Write(row);
      EXPECT_FALSE(record_->ok());
      continue;
    }
    const auto& want = vector["want"];
    EXPECT_EQ(FormatChainName(Views(row.chain)), want["chain_name"].get<std::string>());
    EXPECT_EQ(ToHex(ChainKeyOf(row)), want["chain_key"].get<std::string>());
    WritePrefix(row);
    ASSERT_TRUE(record_->ok());
    const std::string prefix = ToHex(record_->record());
    if (want.contains("prefix")) {
      EXPECT_EQ(prefix, want["prefix"].get<std::string>());
    }
    record_->Finish(row.seq, row.prev_hash);
    ASSERT_TRUE(record_->ok());
    if (want.contains("record")) {
      EXPECT_EQ(ToHex(record_->record()), want["record"].get<std::string>());
    }
    EXPECT_EQ(record_->record().size(), want["record_size"].get<size_t>());
    LeafHash hash;
    ASSERT_TRUE(HashRecord(*record_, &hasher_, &hash));
    EXPECT_EQ(ToHex(hash.bytes), want["hash"].get<std::string>());
  }
}

// The bound is what create_ledger refuses tables by: no row may exceed it.
TEST_F(RecordTest, NoColumnTakesMoreThanItsBound) {
  const std::string name = "column";
  for (const size_t size : {0, 1, 31, 32, 33, 255, 256, 257, 5000}) {
    record_->Begin({}, {});
    const size_t before = record_->record().size();
    record_->Column(AsBytes(name), AsBytes(std::string(size, 'x')), &hasher_);
    const size_t taken = record_->record().size() - before;
    EXPECT_LE(taken, ColumnSizeBound(name.size(), size));
    EXPECT_LE(taken, ColumnSizeBound(name.size(), SIZE_MAX));
  }
  record_->Begin({}, {});
  record_->EndColumns();
  record_->Finish(0, {});
  EXPECT_EQ(record_->record().size(), kRecordFrameSize);
}

TEST_F(RecordTest, AFailedRecordDoesNotSpoilTheNext) {
  record_->Begin({}, std::vector<std::byte>(kMaxChainKeySize + 1));
  record_->Column(AsBytes("a"), AsBytes("b"), &hasher_);
  record_->EndColumns();
  record_->Finish(0, {});
  EXPECT_FALSE(record_->ok());
  Write(Row{{}, {}, {{"a", "b"}}, 0, {}});
  EXPECT_TRUE(record_->ok());
}

TEST(Sha256Test, EqualsTheExamplesOfFips180) {
  const std::pair<std::string, const char*> examples[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {std::string(1'000'000, 'a'),
       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"}};
  Sha256 hasher;
  for (const auto& [text, want] : examples) {
    Sha256Digest digest;
    hasher.Start();
    hasher.Update(AsBytes("abandoned half way"));
    hasher.Start();
    hasher.Update(AsBytes(text).first(text.size() / 2));
    hasher.Update(AsBytes(text).subspan(text.size() / 2));
    ASSERT_TRUE(hasher.Finish(&digest));
    EXPECT_EQ(ToHex(digest.bytes), want);
  }
}

}  // namespace
}  // namespace bulla
