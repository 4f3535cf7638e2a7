#include "service/operations.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace bulla::service {
namespace {

const Operation& Find(std::string_view method, std::string_view pattern) {
  const auto operations = Operations();
  return *std::find_if(operations.begin(), operations.end(), [&](const Operation& operation) {
    return operation.method == method && operation.pattern == pattern;
  });
}

class OperationsTest : public ::testing::Test {
 protected:
  OperationsTest() {
    request_.method = "GET";
    request_.id = "request-1";
    request_.client = "192.0.2.1";
    request_.fields = {{"authorization", "Bearer abc"}};
    post_ = request_;
    post_.method = "POST";
    post_.fields.emplace_back("content-type", "application/json");
    post_.body = "{}";
  }

  // The status it is refused with; 0 when it is not.
  static int Status(const Operation& operation, const http::Request& request) {
    const auto read = ReadCall(operation, request, {});
    const auto* const refused = std::get_if<http::Response>(&read);
    return refused == nullptr ? 0 : refused->status;
  }
  static std::string Challenge(const http::Request& request) {
    const auto read = ReadCall(list_, request, {});
    const auto* const refused = std::get_if<http::Response>(&read);
    if (refused == nullptr || refused->status != 401) return "not refused";
    for (const auto& [name, value] : refused->fields) {
      if (name == "WWW-Authenticate") return value;
    }
    return "no challenge";
  }
  http::Request WithAuthorization(std::string value) const {
    http::Request request = request_;
    request.fields = {{"authorization", std::move(value)}};
    return request;
  }
  http::Request WithType(std::string type) const {
    http::Request request = post_;
    request.fields[1].second = std::move(type);
    return request;
  }

  static inline const Operation& list_ = Find("GET", "/v1/audit");
  static inline const Operation& append_ = Find("POST", "/v1/audit");
  http::Request request_;
  http::Request post_;
};

TEST_F(OperationsTest, TheTableHasNothingTwice) {
  std::set<std::pair<std::string_view, std::string_view>> routes;
  std::set<std::string_view> functions;
  for (const Operation& operation : Operations()) {
    EXPECT_TRUE(routes.emplace(operation.method, operation.pattern).second) << operation.pattern;
    EXPECT_TRUE(functions.insert(operation.function).second) << operation.function;
    // What writes says what a client does who does not know whether it did.
    EXPECT_EQ(operation.method != "GET", !operation.if_unknown.empty()) << operation.pattern;
  }
}

TEST_F(OperationsTest, ACallHasPathAndQueryInOneFlatObject) {
  request_.query = "limit=5&cursor=a%22b%2Bc";
  const auto read = ReadCall(list_, request_, {{"eventId", "\xC3\xA9"}});
  const auto& texts = std::get<CallTexts>(read);
  EXPECT_EQ(texts.parameters, R"({"cursor":"a\"b+c","eventId":"é","limit":"5"})");
  EXPECT_EQ(texts.client, "192.0.2.1");
  EXPECT_EQ(texts.token_digest,
            "\\xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_F(OperationsTest, ACallWithoutParametersHasAnEmptyObject) {
  const auto read = ReadCall(list_, request_, {});
  EXPECT_EQ(std::get<CallTexts>(read).parameters, "{}");
}

TEST_F(OperationsTest, AnAddressLosesItsZone) {
  request_.client = "fe80::1%eth0";
  const auto read = ReadCall(list_, request_, {});
  EXPECT_EQ(std::get<CallTexts>(read).client, "fe80::1");
}

TEST_F(OperationsTest, QueryParametersThatThereAreNotOrTwiceAreRefused) {
  for (const char* query : {"foo=1", "Limit=1", "limit=1&limit=2", "limit=1&l%69mit=2", "=1", "&",
                            "limit=%", "limit=%zz", "limit=%00", "limit=%FF", "limit=1&foo"}) {
    request_.query = query;
    EXPECT_EQ(Status(list_, request_), 400) << query;
  }
  request_.query = "action=a&outcome=b&agentId=c&organizationId=d&from=e&to=f&limit=g&cursor=h";
  EXPECT_EQ(Status(list_, request_), 0);
}

TEST_F(OperationsTest, WithoutATokenNothingIsAskedOfTheDatabase) {
  request_.fields.clear();
  EXPECT_EQ(Challenge(request_), "Bearer realm=\"bulla\"");
}

TEST_F(OperationsTest, OnlyOneBearerTokenIsOne) {
  for (const char* value : {"Bearer abc", "bearer abc", "BEARER  abc", "Bearer a.b-c_d~e+f/g=="})
    EXPECT_EQ(Status(list_, WithAuthorization(value)), 0) << value;
  for (const char* value :
       {"", "Bearer", "Bearer ", "Bearer a b", "Bearer a,b", "Bearer \"a\"", "Basic abc", "abc",
        "Bearer=abc", "Bearer\tabc", "Bearerabc", "Bearer ="})
    EXPECT_EQ(Challenge(WithAuthorization(value)),
              "Bearer realm=\"bulla\", error=\"invalid_token\"")
        << value;
  request_.fields.emplace_back("authorization", "Bearer abc");
  EXPECT_EQ(Status(list_, request_), 401);
}

TEST_F(OperationsTest, AChallengeDoesNotRepeatTheToken) {
  const auto read = ReadCall(list_, WithAuthorization("Bearer s3cret s3cret"), {});
  const auto& refused = std::get<http::Response>(read);
  EXPECT_EQ(refused.body.find("s3cret"), std::string::npos);
  for (const auto& [name, value] : refused.fields)
    EXPECT_EQ(value.find("s3cret"), std::string::npos);
}

TEST_F(OperationsTest, ABodyMustBeDeclaredAsJson) {
  for (const char* type :
       {"application/json", "Application/JSON", "application/json;charset=utf-8",
        "application/json ; charset=UTF-8", "application/json; charset=\"utf-8\""})
    EXPECT_EQ(Status(append_, WithType(type)), 0) << type;
  for (const char* type :
       {"", "text/json", "application/json5", "application/problem+json",
        "application/json; charset=latin1", "application/json;", "application/json, text/a",
        "application/x-www-form-urlencoded", "application/json; charset=utf-8; a=b"})
    EXPECT_EQ(Status(append_, WithType(type)), 415) << type;
  post_.fields.pop_back();
  EXPECT_EQ(Status(append_, post_), 415);
}

TEST_F(OperationsTest, AnEncodedBodyIsRefused) {
  post_.fields.emplace_back("content-encoding", "gzip");
  EXPECT_EQ(Status(append_, post_), 415);
}

TEST_F(OperationsTest, ABodyMustBeStrictJson) {
  for (const char* body : {"", "{", "{\"a\":1,\"a\":1}", "\"\\u0000\""}) {
    post_.body = body;
    EXPECT_EQ(Status(append_, post_), 400) << body;
  }
}

TEST_F(OperationsTest, ABodyWhereNoneIsWantedIsRefused) {
  request_.body = "{}";
  EXPECT_EQ(Status(list_, request_), 400);
}

TEST_F(OperationsTest, TheTokenIsJudgedBeforeTheRest) {
  post_.fields.erase(post_.fields.begin());
  post_.body = "{";
  EXPECT_EQ(Status(append_, post_), 401);
}

}  // namespace
}  // namespace bulla::service
