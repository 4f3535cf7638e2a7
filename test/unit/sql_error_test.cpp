#include "database/sql_error.h"

#include <gtest/gtest.h>

namespace bulla::database {
namespace {

Meaning Of(const char* sqlstate, bool raised = true) {
  return MeaningOf({sqlstate, "message", "detail", "hint", raised});
}

TEST(SqlErrorTest, EachSqlstateHasItsStatus) {
  const struct {
    const char* sqlstate;
    int status;
  } cases[] = {
      {"28000", 401}, {"42501", 403}, {"P0002", 404}, {"22023", 400}, {"22P02", 400},
      {"22003", 400}, {"23505", 409}, {"55000", 409}, {"54000", 413}, {"57014", 503},
      {"55P03", 503}, {"40001", 503}, {"40P01", 503}, {"53100", 503}, {"53300", 503},
      {"57P01", 503}, {"57P03", 503}, {"25006", 503}, {"08006", 503}, {"P0001", 500},
      {"XX000", 500}, {"42883", 500}, {"28P01", 500}, {"23503", 500}, {"54001", 500},
      {"", 500},
  };
  for (const auto& each : cases) EXPECT_EQ(Of(each.sqlstate).status, each.status) << each.sqlstate;
}

TEST(SqlErrorTest, TellsTheClientOnlyWhatIsMeantForIt) {
  for (const char* sqlstate : {"28000", "42501", "P0002", "22023", "23505", "55000", "54000"}) {
    EXPECT_TRUE(Of(sqlstate).told) << sqlstate;
    EXPECT_FALSE(Of(sqlstate).retry) << sqlstate;
  }
  for (const char* sqlstate : {"57014", "55P03", "40001", "53300", "57P01", "25006", "08006"}) {
    EXPECT_FALSE(Of(sqlstate).told) << sqlstate;
    EXPECT_TRUE(Of(sqlstate).retry) << sqlstate;
  }
  EXPECT_FALSE(Of("XX000").told);
  EXPECT_FALSE(Of("XX000").retry);
}

// PostgreSQL raises these itself where our own rights are wrong; the client's token has no part in it.
TEST(SqlErrorTest, AMissingRightOfOursIsNoRefusalOfTheClient) {
  for (const char* sqlstate : {"28000", "42501"}) {
    EXPECT_EQ(Of(sqlstate, false).status, 500) << sqlstate;
    EXPECT_FALSE(Of(sqlstate, false).told) << sqlstate;
  }
  EXPECT_EQ(Of("22P02", false).status, 400);
}

}  // namespace
}  // namespace bulla::database
