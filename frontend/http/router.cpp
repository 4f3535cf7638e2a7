#include "http/router.h"

#include <stdexcept>

#include "http/problem.h"
#include "http/target.h"

namespace bulla::http {
namespace {

std::optional<std::string> ParameterName(std::string_view segment) {
  if (segment.size() > 2 && segment.front() == '{' && segment.back() == '}') {
    return std::string(segment.substr(1, segment.size() - 2));
  }
  return std::nullopt;
}

void Refuse(Exchange& exchange, int status, std::string_view detail) {
  exchange.Answer(
      MakeProblem({.status = status, .detail = detail, .request_id = exchange.request().id}));
}

}  // namespace

void Router::Add(std::string method, std::string pattern, Endpoint endpoint) {
  Add(std::move(method), std::move(pattern), nullptr, std::move(endpoint));
}

void Router::Add(std::string method, std::string pattern, Judge judge, Endpoint endpoint) {
  const std::optional<std::vector<std::string>> segments = SplitPath(pattern);
  if (!segments) {
    throw std::logic_error("not a route: " + pattern);
  }
  for (Resource& resource : resources_) {
    if (resource.pattern == pattern) {
      if (!resource.methods.emplace(method, std::move(endpoint)).second) {
        throw std::logic_error("a route is there twice: " + method + " " + pattern);
      }
      return;
    }
  }
  resources_.push_back(
      {std::move(pattern), *segments, {{std::move(method), std::move(endpoint)}}, judge});
}

const Router::Resource* Router::AskJudges(std::string_view path, Parameters& parameters) const {
  for (const Resource& resource : resources_) {
    Parameters taken;
    if (resource.judge != nullptr && resource.judge(path, taken)) {
      parameters = std::move(taken);
      return &resource;
    }
  }
  return nullptr;
}

const Router::Resource* Router::Find(const std::vector<std::string>& segments,
                                     Parameters& parameters) const {
  const Resource* found = nullptr;
  for (const Resource& resource : resources_) {
    if (resource.judge != nullptr || resource.segments.size() != segments.size()) {
      continue;
    }
    Parameters taken;
    bool matches = true;
    for (std::size_t i = 0; i < segments.size() && matches; ++i) {
      if (const std::optional<std::string> name = ParameterName(resource.segments[i])) {
        taken.emplace(*name, segments[i]);
      } else {
        matches = resource.segments[i] == segments[i];
      }
    }
    if (matches && (found == nullptr || taken.size() < parameters.size())) {
      found = &resource;
      parameters = std::move(taken);
    }
  }
  return found;
}

void Router::Route(std::shared_ptr<Exchange> exchange) const {
  const Request& request = exchange->request();
  if (request.path == "*") {
    exchange->Answer({.status = 204, .fields = {{"Allow", "GET, HEAD, OPTIONS, POST"}}});
    return;
  }
  const std::optional<std::vector<std::string>> segments = SplitPath(request.path);
  if (!segments) {
    Refuse(*exchange, 400,
           "the path is not well-formed: empty, \".\" and \"..\" segments, bad percent-escapes, "
           "NUL and what is not UTF-8 are refused");
    return;
  }
  Parameters parameters;
  const Resource* resource = Find(*segments, parameters);
  if (resource == nullptr) {
    resource = AskJudges(request.path, parameters);
  }
  if (resource == nullptr) {
    Refuse(*exchange, 404, "there is nothing at this path");
    return;
  }
  exchange->set_route(resource->pattern);
  const auto endpoint = resource->methods.find(request.method == "HEAD" ? "GET" : request.method);
  if (endpoint != resource->methods.end()) {
    endpoint->second(std::move(exchange), std::move(parameters));
    return;
  }
  std::string allow = "OPTIONS";
  for (const auto& [method, unused] : resource->methods) {
    allow += ", " + method + (method == "GET" ? ", HEAD" : "");
  }
  if (request.method == "OPTIONS") {
    exchange->Answer({.status = 204, .fields = {{"Allow", allow}}});
    return;
  }
  Response refusal =
      MakeProblem({.status = 405, .detail = "this path takes " + allow, .request_id = request.id});
  refusal.fields.emplace_back("Allow", allow);
  exchange->Answer(std::move(refusal));
}

}  // namespace bulla::http
