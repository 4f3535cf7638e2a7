#include "core/openings.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/chain_name.h"
#include "core/record.h"
#include "vectors.h"

namespace bulla {
namespace {

using Buffer = std::vector<std::byte>;

bool IsWellFormed(Bytes openings) { return OpeningsReader(openings).ok(); }

// What a reader of well-formed openings says, written anew.
Buffer WrittenAgain(Bytes openings) {
  OpeningsReader reader(openings);
  Buffer buffer(openings.size());
  OpeningsWriter writer(buffer);
  Opening opening;
  while (reader.Next(&opening)) writer.Put(opening);
  const Bytes written = writer.Finish();
  return {written.begin(), written.end()};
}

Buffer Erased(Bytes openings, const std::string& column) {
  Buffer buffer(openings.size());
  const Bytes written = EraseSalts(openings, buffer, [&](const Opening& opening) {
    return column.empty() || AsText(opening.name) == column;
  });
  return {written.begin(), written.end()};
}

Buffer OpeningsOf(const nlohmann::json& row) {
  Buffer buffer(4096);
  OpeningsWriter writer(buffer);
  Sha256 hasher;
  for (const auto& one : row["commitments"]) {
    const std::string name = one["name"];
    const std::vector<std::byte> salt = HexIn(one, "salt");
    std::string value;
    for (const auto& column : row["erasable"])
      if (column["name"] == one["name"]) value = column["value"];
    Sha256Digest commitment;
    EXPECT_TRUE(CommitToValue(salt, AsBytes(name), AsBytes(value), &hasher, &commitment));
    EXPECT_EQ(ToHex(commitment.bytes), one["commitment"].get<std::string>());
    writer.Put({AsBytes(name), commitment.bytes, salt});
  }
  const Bytes written = writer.Finish();
  return {written.begin(), written.end()};
}

TEST(OpeningsTest, EqualTheVectorsOfTheSpecification) {
  for (const auto& row : LoadVectors("openings.json", "rows")) {
    SCOPED_TRACE(row["desc"]);
    const Buffer openings = OpeningsOf(row);
    EXPECT_EQ(ToHex(openings), row["openings"].is_null() ? "" : row["openings"].get<std::string>());
    if (openings.empty()) continue;
    EXPECT_TRUE(IsWellFormed(openings));
    EXPECT_EQ(WrittenAgain(openings), openings);
    EXPECT_EQ(ToHex(Erased(openings, "")), row["all_erased"].get<std::string>());
    for (const auto& one : row["one_erased"]) {
      const Buffer erased = Erased(openings, one["column"]);
      EXPECT_EQ(ToHex(erased), one["openings"].get<std::string>());
      EXPECT_TRUE(IsWellFormed(erased));
      EXPECT_EQ(Erased(erased, one["column"]), erased);
    }
  }
}

TEST(OpeningsTest, TheRecordHoldsTheCommitmentsErasedOrNot) {
  const auto record = std::make_unique<RecordWriter>();
  Sha256 hasher;
  for (const auto& row : LoadVectors("openings.json", "rows")) {
    SCOPED_TRACE(row["desc"]);
    std::vector<std::string> chain = row["chain"];
    const std::vector<std::string_view> chain_values(chain.begin(), chain.end());
    Buffer key(ChainKeySize(chain_values));
    ByteWriter out(key);
    WriteChainKey(chain_values, &out);
    std::map<std::string, std::string> columns;
    for (const auto& column : row["columns"]) columns[column[0]] = column[1];
    const Buffer open = OpeningsOf(row);
    for (const Buffer& openings : {open, Erased(open, "")}) {
      for (const auto& column : row["erasable"])
        columns[column["name"]] = "the value has no part in it";
      LedgerId ledger;
      std::ranges::copy(HexIn(row, "ledger_id"), ledger.bytes.begin());
      record->Begin(ledger, key);
      for (const auto& [name, value] : columns) {
        Opening opening;
        const bool erasable = std::ranges::any_of(
            row["erasable"], [&](const auto& one) { return one["name"] == name; });
        if (!erasable) {
          record->Column(AsBytes(name), AsBytes(value), &hasher);
        } else if (OpeningsReader(openings).Find(AsBytes(name), &opening)) {
          record->Commitment(AsBytes(name), opening.commitment);
        }
      }
      record->EndColumns();
      record->Finish(0, {});
      LeafHash hash;
      ASSERT_TRUE(record->ok());
      EXPECT_EQ(ToHex(record->record()), row["record"].get<std::string>());
      ASSERT_TRUE(HashRecord(*record, &hasher, &hash));
      EXPECT_EQ(ToHex(hash.bytes), row["hash"].get<std::string>());
    }
  }
}

TEST(OpeningsTest, ACommitmentDependsOnSaltNameAndValue) {
  Sha256 hasher;
  const Buffer salt(kSaltSize);
  Buffer other_salt(kSaltSize);
  other_salt.back() = std::byte{1};
  std::vector<Sha256Digest> seen(5);
  ASSERT_TRUE(CommitToValue(salt, AsBytes("ab"), AsBytes("c"), &hasher, &seen[0]));
  ASSERT_TRUE(CommitToValue(salt, AsBytes("a"), AsBytes("bc"), &hasher, &seen[1]));
  ASSERT_TRUE(CommitToValue(salt, AsBytes("abc"), {}, &hasher, &seen[2]));
  ASSERT_TRUE(CommitToValue(other_salt, AsBytes("ab"), AsBytes("c"), &hasher, &seen[3]));
  ASSERT_TRUE(CommitToValue(salt, AsBytes("ab"), AsBytes("d"), &hasher, &seen[4]));
  for (size_t i = 0; i < seen.size(); ++i)
    for (size_t j = 0; j < i; ++j) EXPECT_NE(seen[i], seen[j]);
  Sha256Digest none;
  EXPECT_FALSE(CommitToValue(Bytes(salt).first(31), AsBytes("a"), {}, &hasher, &none));
  EXPECT_FALSE(CommitToValue({}, AsBytes("a"), {}, &hasher, &none));
}

TEST(OpeningsTest, RefuseWhatIsMalformed) {
  for (const auto& vector : LoadVectors("openings.json", "malformed")) {
    EXPECT_FALSE(IsWellFormed(HexIn(vector, "openings"))) << vector["desc"];
  }
}

TEST(OpeningsTest, RefuseWhatWasCutOffAtAnyByte) {
  for (const auto& row : LoadVectors("openings.json", "rows")) {
    if (row["openings"].is_null()) continue;
    for (const char* const field : {"openings", "all_erased"}) {
      const Buffer whole = HexIn(row, field);
      for (size_t size = 0; size < whole.size(); ++size)
        EXPECT_FALSE(IsWellFormed(Bytes(whole).first(size))) << field << " of " << size;
    }
  }
}

// Whatever byte is changed to whatever value: refused, or understood as just these bytes.
TEST(OpeningsTest, HaveOneFormOnly) {
  for (const auto& row : LoadVectors("openings.json", "rows")) {
    if (row["openings"].is_null()) continue;
    Buffer changed = HexIn(row, "openings");
    for (std::byte& byte : changed) {
      const std::byte before = byte;
      for (int value = 0; value < 256; ++value) {
        byte = static_cast<std::byte>(value);
        if (IsWellFormed(changed)) {
          EXPECT_EQ(WrittenAgain(changed), changed);
        }
      }
      byte = before;
    }
  }
}

// Each length and count at 0, one less and one more than it is, and the most it can say.
TEST(OpeningsTest, RefuseLengthsThatDoNotFit) {
  const Buffer salt(kSaltSize);
  const Buffer commitment(kCommitmentSize);
  Buffer buffer(1024);
  OpeningsWriter writer(buffer);
  const std::string names[] = {"aa", "bb"};
  for (const std::string& name : names) writer.Put({AsBytes(name), commitment, salt});
  const Bytes written = writer.Finish();
  Buffer openings(written.begin(), written.end());
  ASSERT_TRUE(IsWellFormed(openings));
  const size_t second_name = 3 + OpeningSize(2, false);
  for (const size_t at : {size_t{1}, size_t{3}, second_name}) {
    for (const unsigned value : {0U, 1U, 3U, 255U, 256U, 65'535U}) {
      Buffer changed = openings;
      changed[at] = static_cast<std::byte>(value >> 8);
      changed[at + 1] = static_cast<std::byte>(value);
      EXPECT_FALSE(IsWellFormed(changed)) << value << " at " << at;
    }
  }
}

TEST(OpeningsTest, AreBoundedInNumberAndInTheirNames) {
  const Buffer commitment(kCommitmentSize);
  const auto many = [&](size_t count) {
    Buffer buffer(kOpeningsFrameSize + count * OpeningSize(4, true));
    OpeningsWriter writer(buffer);
    for (size_t i = 0; i < count; ++i)
      writer.Put({AsBytes(std::to_string(1000 + i)), commitment, {}});
    EXPECT_EQ(writer.Finish().size(), buffer.size());
    return IsWellFormed(buffer);
  };
  EXPECT_TRUE(many(kMaxOpenings));
  EXPECT_FALSE(many(kMaxOpenings + 1));
  const auto named = [&](size_t size) {
    Buffer buffer(kOpeningsFrameSize + OpeningSize(size, true));
    OpeningsWriter writer(buffer);
    writer.Put({AsBytes(std::string(size, 'n')), commitment, {}});
    return IsWellFormed(writer.Finish());
  };
  EXPECT_TRUE(named(1));
  EXPECT_TRUE(named(kMaxOpeningName));
  EXPECT_FALSE(named(kMaxOpeningName + 1));
}

TEST(OpeningsTest, AWriterWithoutRoomGivesNothing) {
  const Buffer commitment(kCommitmentSize);
  const Buffer salt(kSaltSize);
  for (size_t size = 0; size <= kOpeningsFrameSize + OpeningSize(1, false); ++size) {
    Buffer buffer(size);
    OpeningsWriter writer(buffer);
    writer.Put({AsBytes("a"), commitment, salt});
    EXPECT_EQ(writer.Finish().size(), size < kOpeningsFrameSize + OpeningSize(1, false) ? 0 : size);
  }
}

TEST(OpeningsTest, AnErasableColumnTakesWhatItsBoundSays) {
  RecordWriter record;
  record.Begin({}, {});
  const size_t before = record.record().size();
  record.Commitment(AsBytes("column"), Buffer(kCommitmentSize));
  EXPECT_EQ(record.record().size() - before, ErasableColumnSize(6));
  EXPECT_TRUE(record.ok());
  record.Fail();
  EXPECT_FALSE(record.ok());
}

}  // namespace
}  // namespace bulla
