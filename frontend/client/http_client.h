// Requests that bullad sends: to witnesses, to where checkpoints are published.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <stop_token>
#include <string>

#include "core/result.h"

namespace bulla::client {

struct Rules {
  std::string ca_file = {};  // PEM: the only ones that are trusted; empty: the system's
  bool plain_http = false;   // also to other machines, see CheckUrl
  std::chrono::milliseconds connect_limit = std::chrono::seconds(5);
  std::chrono::milliseconds limit = std::chrono::seconds(10);  // for a request, everything included
  std::size_t answer_limit = std::size_t{1} << 20;             // bytes of its body
};

struct Request {
  std::string url;
  // A GET without, a POST with a body, which may be empty.
  const std::string* body = nullptr;
  std::string content_type = "text/plain; charset=utf-8";
};

struct Reply {
  long status = 0;           // whatever it is: 404 is an answer, and so is a redirect
  std::string content_type;  // as it came, empty where none was said
  std::string body;
};

// For one thread at a time. Connections are kept and used again. The process ignores SIGPIPE.
class HttpClient {
 public:
  // kFailedPrecondition where libcurl cannot be set up.
  static Result<HttpClient> Create(Rules rules);
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  // HTTP/1.1, TLS 1.2 or later with certificate and name verified; redirects are not followed, proxies and
  // passwords of the environment not used.
  //   kInvalidArgument      no such URL is asked (CheckUrl)
  //   kUnavailable          no whole answer within the limits, of time or size
  //   kAuthenticationFailed the certificate is not to be trusted
  //   kCancelled            `stop` was requested, also while it waits
  // A message has neither URL nor body.
  Result<Reply> Ask(const Request& request, std::stop_token stop = {});

 private:
  class Curl;
  explicit HttpClient(std::unique_ptr<Curl> curl);
  std::unique_ptr<Curl> curl_;
};

}  // namespace bulla::client
