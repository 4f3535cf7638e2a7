#include "database/conninfo.h"

#include <string>

#include <gtest/gtest.h>

namespace bulla::database {
namespace {

TEST(ConninfoTest, MasksPasswordsInBothForms) {
  for (const char* conninfo :
       {"host=db.example user=bullad password=hunter2 sslpassword=hunter2 dbname=bulla",
        "postgresql://bullad:hunter2@db.example/bulla?sslpassword=hunter2",
        "password='hunter2' password='also hunter2' user=bullad host=db.example dbname=bulla"}) {
    const auto read = ReadConninfo(conninfo);
    ASSERT_TRUE(read) << conninfo;
    EXPECT_EQ(read->shown.find("hunter2"), std::string::npos) << read->shown;
    EXPECT_NE(read->shown.find("password=***"), std::string::npos) << read->shown;
    EXPECT_NE(read->shown.find("host=db.example"), std::string::npos) << read->shown;
    EXPECT_EQ(read->user, "bullad");
  }
  EXPECT_EQ(ReadConninfo("postgresql://bullad:hun%20ter2@db.example/bulla")->password, "hun ter2");
}

TEST(ConninfoTest, ShowsWhatLibpqReadsBack) {
  const std::string conninfo = R"(user=bullad dbname='it\'s here' options='-c a=b\\c' port='')";
  const auto read = ReadConninfo(conninfo);
  ASSERT_TRUE(read);
  const auto again = ReadConninfo(read->shown);
  ASSERT_TRUE(again) << read->shown;
  EXPECT_EQ(again->shown, read->shown);
}

TEST(ConninfoTest, TakesAnEmptyString) {
  const auto read = ReadConninfo("");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->shown, "");
}

TEST(ConninfoTest, RefusesWhatLibpqDoes) {
  for (const char* conninfo :
       {"host", "hots=x", "password='open", "postgresql://[::1", "postgresql://h?x=y"})
    EXPECT_FALSE(ReadConninfo(conninfo)) << conninfo;
}

}  // namespace
}  // namespace bulla::database
