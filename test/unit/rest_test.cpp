#include "service/rest.h"

#include <string>
#include <utility>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace bulla::service {
namespace {

using database::Outcome;

// What the answers to the outcomes of a call are.
class RestTest : public ::testing::Test {
 protected:
  ~RestTest() override { close(nowhere_); }

  http::Response Answer(Outcome outcome, std::size_t operation = 0) {
    return AnswerTo(Operations()[operation], "request-1", std::move(outcome), log_);
  }
  http::Response SqlError(std::string sqlstate, bool raised = true) {
    return Answer({Outcome::Kind::kSqlError,
                   {},
                   {std::move(sqlstate), "the message", "the detail", "the hint", raised}});
  }
  static std::string Field(const http::Response& response, std::string_view name) {
    for (const auto& [field, value] : response.fields) {
      if (field == name) return value;
    }
    return "";
  }
  static bool Tells(const http::Response& response, std::string_view words) {
    return response.body.find(words) != std::string::npos;
  }

  const int nowhere_ = open("/dev/null", O_WRONLY);
  Log log_{Level::kError, nowhere_};
};

TEST_F(RestTest, TheFunctionsStatusAndTextAreTheAnswer) {
  const http::Response answer = Answer({Outcome::Kind::kAnswer, {"201", "{\"n\" : 1.50}"}});
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.body, "{\"n\" : 1.50}");
  EXPECT_EQ(answer.content_type, "application/json");
}

TEST_F(RestTest, ARefusalThatWasReturnedIsAProblem) {
  const http::Response answer = Answer({Outcome::Kind::kAnswer, {"401", "{}"}});
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.content_type, "application/problem+json");
  EXPECT_EQ(Field(answer, "WWW-Authenticate"), "Bearer realm=\"bulla\", error=\"invalid_token\"");
}

TEST_F(RestTest, AnAnswerWithoutAStatusIsOurMistake) {
  using Row = std::vector<std::optional<std::string>>;
  for (const Row& row : {Row{}, Row{"200"}, Row{std::nullopt, "{}"}, Row{"1000", "{}"},
                         Row{"100", "{}"}, Row{"x", "{}"}})
    EXPECT_EQ(Answer({Outcome::Kind::kAnswer, row}).status, 500);
}

TEST_F(RestTest, AnErrorForTheClientIsToldWithItsHint) {
  const http::Response answer = SqlError("22023");
  EXPECT_EQ(answer.status, 400);
  const auto problem = nlohmann::json::parse(answer.body);
  EXPECT_EQ(problem["detail"], "the message");
  EXPECT_EQ(problem["hint"], "the hint");
  EXPECT_EQ(problem["sqlstate"], "22023");
  EXPECT_EQ(problem["requestId"], "request-1");
  EXPECT_EQ(Field(SqlError("28000"), "WWW-Authenticate"),
            "Bearer realm=\"bulla\", error=\"invalid_token\"");
}

TEST_F(RestTest, AnErrorInsideTellsNothingOfTheInside) {
  for (const char* sqlstate : {"XX000", "42883", "53300", "57P01"}) {
    const http::Response answer = SqlError(sqlstate);
    EXPECT_GE(answer.status, 500);
    for (const char* words : {"the message", "the detail", "the hint"})
      EXPECT_FALSE(Tells(answer, words));
  }
  EXPECT_FALSE(Tells(SqlError("42501", false), "the message"));
  EXPECT_FALSE(Tells(SqlError("23505"), "the detail"));
}

TEST_F(RestTest, WhatPassesByItselfIs503WithRetryAfter) {
  for (const Outcome::Kind kind : {Outcome::Kind::kDeadline, Outcome::Kind::kNotRun}) {
    const http::Response answer = Answer({kind});
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(Field(answer, "Retry-After"), "2");
    EXPECT_TRUE(Tells(answer, "nothing was changed")) << answer.body;
  }
  EXPECT_EQ(Field(SqlError("40001"), "Retry-After"), "2");
}

TEST_F(RestTest, WhereItIsUnknownWhetherSomethingWasRecordedThatIsSaid) {
  const http::Response answer = Answer({Outcome::Kind::kUnknown});
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(Tells(answer, "it is not known whether this was recorded")) << answer.body;
  EXPECT_TRUE(Tells(answer, "eventId"));
  EXPECT_FALSE(Tells(answer, "nothing was changed"));
  EXPECT_EQ(Field(answer, "Retry-After"), "");
  // A call that only reads can be made again.
  const http::Response read = Answer({Outcome::Kind::kUnknown}, 1);
  EXPECT_EQ(Field(read, "Retry-After"), "2");
}

TEST_F(RestTest, TheStatementsAreThoseOfTheOperationsAndTheRegularJobs) {
  const auto statements = PreparedStatements();
  ASSERT_EQ(statements.size(), Operations().size() + 5);
  for (std::size_t i = 0; i < Operations().size(); ++i)
    EXPECT_NE(statements[i].find("agentidp_api." + std::string(Operations()[i].function) + "("),
              std::string::npos);
  EXPECT_NE(statements[VerifyAllStatement()].find("agentidp_api.verify_all("), std::string::npos);
  EXPECT_NE(statements[KeyMessagesStatement()].find("bulla.key_messages("), std::string::npos);
  EXPECT_NE(statements[WitnessesToAskStatement()].find("bulla.witnesses_to_ask("),
            std::string::npos);
  EXPECT_NE(statements[WitnessRequestStatement()].find("bulla.witness_request("),
            std::string::npos);
  EXPECT_NE(statements[AddCosignaturesStatement()].find("bulla.add_cosignatures("),
            std::string::npos);
}

}  // namespace
}  // namespace bulla::service
