#include "http/answer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "http/problem.h"

namespace bulla::http {
namespace {

std::string WithoutDate(const std::string& bytes) {
  static const std::regex date(
      "Date: [A-Z][a-z]{2}, \\d\\d [A-Z][a-z]{2} \\d{4} \\d\\d:\\d\\d:\\d\\d GMT\r\n");
  return std::regex_replace(bytes, date, "");
}

TEST(AnswerTest, WritesAnAnswer) {
  Response response{.status = 201, .body = "{}"};
  response.fields.emplace_back("Location", "/a");
  EXPECT_EQ(WithoutDate(WriteAnswer(response, {.request_id = "r1"})),
            "HTTP/1.1 201 Created\r\nX-Request-Id: r1\r\nLocation: /a\r\nContent-Type: "
            "application/json\r\n"
            "Content-Length: 2\r\nConnection: keep-alive\r\n\r\n{}");
}

TEST(AnswerTest, LeavesOutTheBodyOfHeadAndKeepsItsLength) {
  EXPECT_EQ(WithoutDate(WriteAnswer({.body = "{}"}, {.head_only = true, .close = true})),
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
            "Connection: close\r\n\r\n");
}

TEST(AnswerTest, HasNoLengthWhereThereCannotBeABody) {
  EXPECT_EQ(WithoutDate(WriteAnswer({.status = 204, .body = "ignored"}, {})),
            "HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n");
}

TEST(AnswerTest, LetsNobodyPutAFieldOfTheirOwnIntoAnAnswer) {
  Response response{.status = 204};
  response.fields.emplace_back("Location", std::string("/a\r\nSet-Cookie: b\0c", 19));
  EXPECT_NE(WriteAnswer(response, {}).find("Location: /aSet-Cookie: bc\r\n"), std::string::npos);
}

TEST(ProblemTest, IsAProblemDetailsObject) {
  const Response response = MakeProblem({.status = 404,
                                         .detail = "there is \"nothing\"",
                                         .hint = "look elsewhere",
                                         .sqlstate = "P0002",
                                         .request_id = "r1"});
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(nlohmann::json::parse(response.body),
            nlohmann::json::parse(R"({"type":"about:blank","title":"Not Found","status":404,
              "detail":"there is \"nothing\"","hint":"look elsewhere","sqlstate":"P0002","requestId":"r1"})"));
}

TEST(ProblemTest, RepairsWhatIsNotUtf8) {
  const Response response = MakeProblem({.status = 400,
                                         .detail = "a\xFF"
                                                   "b"});
  EXPECT_EQ(nlohmann::json::parse(response.body)["detail"],
            "a\xEF\xBF\xBD"
            "b");
}

}  // namespace
}  // namespace bulla::http
