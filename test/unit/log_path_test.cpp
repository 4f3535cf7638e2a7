#include "service/log_path.h"

#include <string>

#include <gtest/gtest.h>

namespace bulla::service {
namespace {

using http::Parameters;

const std::string kUuid = "0190f3c2-a1b4-7d3e-8f00-112233445566";
const std::string kLog = "/bulla/" + kUuid + "/0/0";
const std::string kChainLog = "/" + kUuid + "/0a83779e4aa5b2d68b521b89d2fb5b65/12";

Parameters Checkpoint(const std::string& path) {
  Parameters parameters;
  return IsCheckpointPath(path, parameters) ? parameters : Parameters{};
}
Parameters Tile(const std::string& path) {
  Parameters parameters;
  return IsTilePath(path, parameters) ? parameters : Parameters{};
}
Parameters Entries(const std::string& path) {
  Parameters parameters;
  return IsEntriesPath(path, parameters) ? parameters : Parameters{};
}

TEST(LogPathTest, IsReadIntoLogAndPlace) {
  EXPECT_EQ(Checkpoint(kLog + "/checkpoint"), (Parameters{{"log", kLog}}));
  EXPECT_EQ(Checkpoint(kChainLog + "/checkpoint"), (Parameters{{"log", kChainLog}}));
  EXPECT_EQ(Tile(kLog + "/tile/1/x001/234.p/5"),
            (Parameters{{"log", kLog}, {"level", "1"}, {"index", "1234"}, {"width", "5"}}));
  EXPECT_EQ(Tile(kChainLog + "/tile/0/000"),
            (Parameters{{"log", kChainLog}, {"level", "0"}, {"index", "0"}, {"width", "256"}}));
  EXPECT_EQ(Entries(kLog + "/tile/entries/002"),
            (Parameters{{"log", kLog}, {"index", "2"}, {"width", "256"}}));
}

TEST(LogPathTest, IsOfOneKind) {
  EXPECT_TRUE(Tile(kLog + "/tile/entries/002").empty());
  EXPECT_TRUE(Entries(kLog + "/tile/0/002").empty());
  EXPECT_TRUE(Tile(kLog + "/checkpoint").empty());
  EXPECT_TRUE(Checkpoint(kLog + "/tile/0/000").empty());
}

TEST(LogPathTest, TakesLogNamesThatLookLikeTiles) {
  const std::string log = "/tile/0/000/checkpoint/" + kUuid + "/0/0";
  EXPECT_EQ(Tile(log + "/tile/0/001").at("log"), log);
  EXPECT_EQ(Checkpoint(log + "/checkpoint").at("log"), log);
}

TEST(LogPathTest, RefusesEveryOtherSpelling) {
  for (const std::string& path : {std::string(),
                                  std::string("/"),
                                  std::string("/checkpoint"),
                                  "/" + kUuid + "/checkpoint",
                                  kLog,
                                  kLog + "/",
                                  kLog + "/checkpoint/",
                                  kLog + "/checkpoint2",
                                  kLog + "/tile",
                                  kLog + "/tile/",
                                  kLog + "/tile/0",
                                  kLog + "/tile/0/0",
                                  kLog + "/tile/0/000/",
                                  kLog + "/tile/entries/",
                                  kLog + "/tile/0/000.p/256",
                                  "/" + kLog + "/checkpoint",
                                  kLog.substr(1) + "/checkpoint",
                                  "/bulla/" + kUuid + "/0/00/checkpoint",
                                  "/bulla/" + kUuid + "/1/0/checkpoint",
                                  "/bul%6ca/" + kUuid + "/0/0/checkpoint",
                                  "/b\n/" + kUuid + "/0/0/checkpoint",
                                  "/" + std::string(200, 'x') + kLog + "/checkpoint"}) {
    EXPECT_TRUE(Checkpoint(path).empty()) << path;
    EXPECT_TRUE(Tile(path).empty()) << path;
    EXPECT_TRUE(Entries(path).empty()) << path;
  }
}

}  // namespace
}  // namespace bulla::service
