#include "http/problem.h"

#include <nlohmann/json.hpp>
#include <string>

namespace bulla::http {

Response MakeProblem(const Problem& problem) {
  nlohmann::ordered_json body{
      {"type", "about:blank"}, {"title", ReasonPhrase(problem.status)}, {"status", problem.status}};
  const auto add = [&body](const char* name, std::string_view text) {
    if (!text.empty()) {
      body[name] = text;
    }
  };
  add("detail", problem.detail);
  add("hint", problem.hint);
  add("sqlstate", problem.sqlstate);
  add("requestId", problem.request_id);
  return {
      .status = problem.status,
      .body = body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n",
      .content_type = "application/problem+json"};
}

}  // namespace bulla::http
