#include "service/answer_form.h"

#include <string>

#include <gtest/gtest.h>

namespace bulla::service {
namespace {

const Operation kProof{.method = "GET", .pattern = "/x", .function = "x", .text_member = "file"};
const Operation kTile{.method = "GET",
                      .pattern = "/y",
                      .function = "y",
                      .content_type = "application/octet-stream",
                      .caching = "public"};

http::Response Form(const Operation& operation, const std::string& accept, http::Response given) {
  http::Request request;
  if (!accept.empty()) request.fields = {{"accept", accept}};
  return InForm(operation, request, std::move(given));
}

std::string Field(const http::Response& response, const std::string& wanted) {
  for (const auto& [name, value] : response.fields) {
    if (name == wanted) return value;
  }
  return "";
}

TEST(AnswerFormTest, SendsTheTextMemberToWhoWantsTextAlone) {
  const http::Response json{.body = R"({"file": "a\nb", "more": 1})"};
  EXPECT_EQ(Form(kProof, "text/plain", json).body, "a\nb");
  EXPECT_EQ(Form(kProof, "text/plain", json).content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(Form(kProof, "text/*", json).body, "a\nb");
  for (const char* const accept :
       {"", "*/*", "application/json", "text/plain, application/json", "text/html, */*;q=0.1", "x"})
    EXPECT_EQ(Form(kProof, accept, json).body, json.body) << accept;
  EXPECT_EQ(Field(Form(kProof, "", json), "Vary"), "Accept");
}

TEST(AnswerFormTest, LeavesErrorsAndOtherAnswersAsTheyAre) {
  const http::Response error{.status = 409, .body = R"({"file": "a"})"};
  EXPECT_EQ(Form(kProof, "text/plain", error).body, error.body);
  for (const char* const body : {"", "[]", "{", R"({"file": 1})", R"({"other": "a"})"})
    EXPECT_EQ(Form(kProof, "text/plain", {.body = body}).body, body);
}

TEST(AnswerFormTest, LetsNobodyKeepAnErrorOfWhatIsKept) {
  EXPECT_EQ(Field(Form(kTile, "", {.status = 404}), "Cache-Control"), "no-store");
  EXPECT_EQ(Field(Form(kTile, "", {.status = 200}), "Cache-Control"), "");
  EXPECT_EQ(Field(Form(kProof, "", {.status = 404}), "Cache-Control"), "");
}

}  // namespace
}  // namespace bulla::service
