#include "service/answer_form.h"

#include <string_view>

#include <nlohmann/json.hpp>

namespace bulla::service {
namespace {

// Accept without its weights: they tell apart what a client likes better, and this one likes one thing only.
bool WantsText(const http::Request& request) {
  bool text = false;
  for (const auto& [name, value] : request.fields) {
    if (name != "accept") continue;
    if (value.find("json") != value.npos || value.find("*/*") != value.npos) return false;
    text = text || value.find("text/plain") != value.npos || value.find("text/*") != value.npos;
  }
  return text;
}

}  // namespace

http::Response InForm(const Operation& operation, const http::Request& request,
                      http::Response response) {
  if (!operation.caching.empty() && response.status >= 400)
    response.fields.emplace_back("Cache-Control", "no-store");
  if (operation.text_member.empty() || response.status != 200) return response;
  response.fields.emplace_back("Vary", "Accept");
  if (!WantsText(request)) return response;
  const auto answer = nlohmann::json::parse(response.body, nullptr, false);
  const auto member = answer.is_object() ? answer.find(operation.text_member) : answer.end();
  if (member == answer.end() || !member->is_string()) return response;
  response.body = member->get<std::string>();
  response.content_type = "text/plain; charset=utf-8";
  return response;
}

}  // namespace bulla::service
