// From method and path to a handler.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/exchange.h"

namespace bulla::http {

using Parameters = std::map<std::string, std::string>;

// Matches the path segment by segment, without regular expressions: a segment of a pattern is literal
// text or {name}, which takes any one segment. Literal text goes before {name}.
//
// A resource whose paths no pattern describes brings a function that judges the path as it was sent, and is asked where
// no pattern matches; its pattern is a name, for log and metrics.
//
// Each segment of the path is percent-decoded once. An empty segment, "." or "..", a bad escape, %00 or
// what is not UTF-8 is 400; no route 404; a route with other methods 405 with Allow. HEAD is GET
// without the body, OPTIONS answers 204 with Allow.
class Router {
 public:
  // Gets the path's parameters, decoded.
  using Endpoint = std::function<void(std::shared_ptr<Exchange>, Parameters)>;

  // Patterns begin with "/". Adding one method of one pattern twice is a mistake of ours: throws.
  void Add(std::string method, std::string pattern, Endpoint endpoint);

  // Whether a path is one of the resource's; sets the parameters then.
  using Judge = bool (*)(std::string_view path, Parameters& parameters);
  void Add(std::string method, std::string pattern, Judge judge, Endpoint endpoint);

  void Route(std::shared_ptr<Exchange> exchange) const;

 private:
  struct Resource {
    std::string pattern;
    std::vector<std::string> segments;
    std::map<std::string, Endpoint> methods;
    Judge judge = nullptr;  // then the segments do not count
  };
  const Resource* Find(const std::vector<std::string>& segments, Parameters& parameters) const;
  const Resource* AskJudges(std::string_view path, Parameters& parameters) const;

  std::vector<Resource> resources_;
};

}  // namespace bulla::http
