#include "http/router.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace bulla::http {
namespace {

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    const auto answer = [](const std::string& name) {
      return [name](std::shared_ptr<Exchange> exchange, Parameters parameters) {
        std::string body = name;
        for (const auto& [parameter, value] : parameters) {
          body += " " + parameter + "=" + value;
        }
        Response response;
        response.body = body;
        exchange->Answer(std::move(response));
      };
    };
    router_.Add("GET", "/v1/audit", answer("list"));
    router_.Add("POST", "/v1/audit", answer("append"));
    router_.Add("GET", "/v1/audit/{eventId}", answer("get"));
    router_.Add("GET", "/v1/audit/verify", answer("verify"));
    router_.Add("GET", "/", answer("root"));
  }

  Response Route(const std::string& method, const std::string& path) {
    Response given;
    Request request;
    request.method = method;
    request.path = path;
    auto exchange = std::make_shared<Exchange>(
        request, [&](Exchange&, Response response) { given = std::move(response); });
    router_.Route(exchange);
    route_ = exchange->route();
    return given;
  }

  Router router_;
  std::string route_;
};

std::string Allow(const Response& response) {
  for (const auto& [name, value] : response.fields) {
    if (name == "Allow") {
      return value;
    }
  }
  return "";
}

TEST_F(RouterTest, FindsTheHandlerOfMethodAndPath) {
  EXPECT_EQ(Route("GET", "/v1/audit").body, "list");
  EXPECT_EQ(Route("POST", "/v1/audit").body, "append");
  EXPECT_EQ(Route("GET", "/").body, "root");
  EXPECT_EQ(Route("GET", "/v1/audit/a%2Fb").body, "get eventId=a/b");
  EXPECT_EQ(route_, "/v1/audit/{eventId}");
}

TEST_F(RouterTest, PrefersLiteralTextToAParameter) {
  EXPECT_EQ(Route("GET", "/v1/audit/verify").body, "verify");
  EXPECT_EQ(Route("GET", "/v1/audit/%76erify").body, "verify");
}

TEST_F(RouterTest, AnswersHeadLikeGet) { EXPECT_EQ(Route("HEAD", "/v1/audit").body, "list"); }

TEST_F(RouterTest, TellsWhatAPathTakes) {
  const Response options = Route("OPTIONS", "/v1/audit");
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(Allow(options), "OPTIONS, GET, HEAD, POST");
  const Response refusal = Route("DELETE", "/v1/audit");
  EXPECT_EQ(refusal.status, 405);
  EXPECT_EQ(Allow(refusal), "OPTIONS, GET, HEAD, POST");
  EXPECT_EQ(Route("POST", "/v1/audit/verify").status, 405);
  EXPECT_EQ(Route("get", "/v1/audit").status, 405);
}

TEST_F(RouterTest, RefusesWhatIsNotThereOrNotAPath) {
  EXPECT_EQ(Route("GET", "/v1").status, 404);
  EXPECT_EQ(Route("GET", "/v1/audit/a/b").status, 404);
  EXPECT_EQ(Route("GET", "/V1/audit").status, 404);
  EXPECT_EQ(route_, "unmatched");
  EXPECT_EQ(Route("GET", "/v1//audit").status, 400);
  EXPECT_EQ(Route("GET", "/v1/audit/").status, 400);
  EXPECT_EQ(Route("GET", "/v1/../v1/audit").status, 400);
  EXPECT_EQ(Route("GET", "/v1/audit/%ff").status, 400);
}

TEST_F(RouterTest, TakesAMethodOfAPathOnce) {
  EXPECT_THROW(router_.Add("GET", "/v1/audit", nullptr), std::logic_error);
  EXPECT_THROW(router_.Add("GET", "/v1//audit", nullptr), std::logic_error);
}

TEST(ExchangeTest, IsAnsweredOnceByTheFirstWhoDoes) {
  int deliveries = 0;
  int status = 0;
  Exchange exchange({}, [&](Exchange&, Response response) {
    ++deliveries;
    status = response.status;
  });
  Response created;
  created.status = 201;
  exchange.Answer(created);
  exchange.Answer({});
  EXPECT_EQ(deliveries, 1);
  EXPECT_EQ(status, 201);
}

TEST(ExchangeTest, IsAnsweredWith500WhenNobodyDoes) {
  int status = 0;
  {
    Exchange forgotten({}, [&](Exchange&, Response response) { status = response.status; });
  }
  EXPECT_EQ(status, 500);
}

TEST_F(RouterTest, AsksAJudgeWhereNoPatternMatches) {
  const auto ends_in_x = [](std::string_view path, Parameters& parameters) {
    parameters["path"] = path;
    return path.ends_with("x");
  };
  router_.Add("GET", "/{judged}", ends_in_x,
              [](std::shared_ptr<Exchange> exchange, Parameters given) {
                exchange->Answer({.body = "judged " + given["path"]});
              });
  EXPECT_EQ(Route("GET", "/a/b/c/x").body, "judged /a/b/c/x");
  EXPECT_EQ(route_, "/{judged}");
  EXPECT_EQ(Route("GET", "/v1/audit/x").body, "get eventId=x");
  EXPECT_EQ(Route("GET", "/a").status, 404);  // the pattern is a name
  EXPECT_EQ(Route("POST", "/a/x").status, 405);
  EXPECT_EQ(Route("GET", "/a//x").status, 400);
  EXPECT_EQ(Route("GET", "/%78").status, 404);  // as it was sent
}

}  // namespace
}  // namespace bulla::http
