#include "core/cell_context.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "vectors.h"

namespace bulla {
namespace {

CellId IdIn(const nlohmann::json& vector) {
  CellId id;
  const std::vector<std::byte> bytes = HexIn(vector, "protection");
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  return id;
}

TEST(CellContextTest, EqualsTheVectorsOfTheSpecification) {
  Sha256 hasher;
  CellContextWriter writer;
  std::set<std::string> contexts;
  for (const auto& vector : LoadVectors("cell.json", "contexts")) {
    writer.Begin(IdIn(vector));
    for (const auto& bound : vector["bound"]) {
      writer.Column(AsBytes(bound[0].get_ref<const std::string&>()),
                    AsBytes(bound[1].get_ref<const std::string&>()), &hasher);
    }
    ASSERT_TRUE(writer.ok()) << vector["desc"];
    EXPECT_EQ(ToHex(writer.context()), vector["context"].get<std::string>()) << vector["desc"];
    EXPECT_TRUE(contexts.insert(ToHex(writer.context())).second) << vector["desc"];
  }
}

TEST(CellContextTest, RefusesMoreThanFits) {
  Sha256 hasher;
  CellContextWriter writer;
  const std::string name(kMaxBoundNameSize, 'n');
  const std::string value(kMaxLiteralSize, 'v');
  writer.Begin({});
  for (size_t i = 0; i < kMaxBoundColumns; ++i)
    writer.Column(AsBytes(name), AsBytes(value), &hasher);
  EXPECT_TRUE(writer.ok());
  writer.Column(AsBytes("x"), AsBytes(""), &hasher);
  EXPECT_FALSE(writer.ok());
  writer.Begin({});
  EXPECT_TRUE(writer.ok());
  writer.Column(AsBytes(name + "n"), AsBytes(""), &hasher);
  EXPECT_FALSE(writer.ok());
  writer.Column(AsBytes("x"), AsBytes(""), &hasher);
  EXPECT_FALSE(writer.ok());
}

}  // namespace
}  // namespace bulla
