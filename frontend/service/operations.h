// The table of REST operations, and how a request becomes the parameters of one SQL call.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "http/message.h"
#include "http/router.h"

namespace bulla::service {

// Which pool: neither a long call nor what everybody may ask for must hold up the others.
enum class Lane { kEveryday, kLong, kOpen };

struct Operation {
  std::string_view method;
  std::string_view pattern;
  std::string_view function;                 // in schema agentidp_api
  std::vector<std::string_view> query = {};  // the query parameters that there are
  bool body = false;                         // whether it takes a JSON body
  Lane lane = Lane::kEveryday;               // kOpen: an access token is not looked at
  int calls_per_minute = 0;                  // that one client may make; 0: as many as it likes
  // Where no pattern can say it: which paths are its. The pattern is a name then.
  http::Router::Judge judge = nullptr;
  // What is sent as it is, and how long it may be kept; empty: the answer is JSON.
  std::string_view content_type = {};
  std::string_view caching = {};
  // The member of the answer that is sent alone to who accepts text/plain and no JSON.
  std::string_view text_member = {};
  // How a client finds out, after the connection to the database was lost in a call that writes.
  std::string_view if_unknown = {};
};

// An operation is a row here and nothing else; what it does is the business of its function.
std::span<const Operation> Operations();

// SELECT status, answer FROM agentidp_api.FUNCTION($1, …, $5): request id, SHA-256 of the access token,
// the client's address, the parameters of path and query as one flat object, the body. Of an operation with a content
// type the answer is bytes, and both are asked for in binary.
std::string SqlOf(const Operation& operation);

// The parameters that are not in the request as they are sent: the first and the last one are its id
// and its body.
struct CallTexts {
  std::string token_digest;  // as bytea's text
  std::string client;        // empty: unknown
  std::string parameters;    // JSON
};

// Reads a request for an operation, or refuses it with an answer. Checks what can be told from the
// request alone: parameters that there are not, or twice (400); an access token that is needed and missing or no
// token (401); another kind of body (415); a body that is no strict JSON, or not wanted (400).
std::variant<CallTexts, http::Response> ReadCall(const Operation& operation,
                                                 const http::Request& request,
                                                 const http::Parameters& path);

// WWW-Authenticate (RFC 6750, 3): no error where no token was shown.
inline constexpr std::string_view kAskForToken = R"(Bearer realm="bulla")";
inline constexpr std::string_view kBadToken = R"(Bearer realm="bulla", error="invalid_token")";

}  // namespace bulla::service
