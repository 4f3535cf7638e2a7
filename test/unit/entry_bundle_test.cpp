#include "core/entry_bundle.h"

#include <gtest/gtest.h>

#include "core/record.h"

namespace bulla {
namespace {

std::vector<std::byte> BundleOf(const std::vector<std::string>& records) {
  std::vector<std::byte> bytes(records.size() * (kEntryFrameSize + kMaxRecordSize));
  ByteWriter writer(bytes);
  for (const std::string& record : records) PutEntry(AsBytes(record), &writer);
  EXPECT_FALSE(writer.overflowed());
  bytes.resize(writer.size());
  return bytes;
}

TEST(EntryBundleTest, GivesBackWhatWasPut) {
  const std::vector<std::string> records = {"", "a", std::string(256, 'b'),
                                            std::string(kMaxRecordSize, 'c')};
  const auto bundle = BundleOf(records);
  EXPECT_EQ(bundle.size(), 4 * kEntryFrameSize + 1 + 256 + kMaxRecordSize);
  const auto parsed = ParseEntryBundle(bundle, records.size());
  ASSERT_TRUE(parsed.ok());
  for (size_t i = 0; i < records.size(); ++i) EXPECT_EQ(AsText(parsed.value()[i]), records[i]);
  EXPECT_TRUE(ParseEntryBundle({}, 0).ok());
}

TEST(EntryBundleTest, LengthsAreBigEndian) {
  const auto bundle = BundleOf({std::string(0x0102, 'x')});
  EXPECT_EQ(bundle[0], std::byte{1});
  EXPECT_EQ(bundle[1], std::byte{2});
}

TEST(EntryBundleTest, AnotherNumberOfEntriesAndEveryTruncationAreCorrupt) {
  const auto bundle = BundleOf({"first", "", "third"});
  for (const size_t count : {0u, 1u, 2u, 4u, 256u})
    EXPECT_EQ(ParseEntryBundle(bundle, count).error().code, Code::kCorrupt) << count;
  for (size_t size = 0; size < bundle.size(); ++size)
    EXPECT_FALSE(ParseEntryBundle(Bytes(bundle).first(size), 3).ok()) << size;
  std::vector<std::byte> longer(bundle);
  longer.push_back(std::byte{0});
  EXPECT_FALSE(ParseEntryBundle(longer, 3).ok());
}

TEST(EntryBundleTest, ALengthBeyondTheEndIsCorrupt) {
  auto bundle = BundleOf({"abc"});
  for (const auto& [high, low] : {std::pair{0, 0}, {0, 2}, {0, 4}, {1, 3}, {255, 255}}) {
    bundle[0] = static_cast<std::byte>(high);
    bundle[1] = static_cast<std::byte>(low);
    EXPECT_FALSE(ParseEntryBundle(bundle, 1).ok());
  }
}

}  // namespace
}  // namespace bulla
