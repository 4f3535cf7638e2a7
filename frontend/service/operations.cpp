#include "service/operations.h"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include "http/problem.h"
#include "http/target.h"
#include "service/access_token.h"
#include "service/log_path.h"
#include "service/strict_json.h"

namespace bulla::service {
namespace {

char Lower(char byte) { return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : byte; }

bool EqualWords(std::string_view text, std::string_view lower_case) {
  return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(),
                    [](char a, char b) { return Lower(a) == b; });
}

http::Response Refuse(const http::Request& request, int status, std::string_view detail,
                      std::string_view hint = {}) {
  return http::MakeProblem(
      {.status = status, .detail = detail, .hint = hint, .request_id = request.id});
}

http::Response Unauthorized(const http::Request& request, std::string_view challenge,
                            std::string_view detail) {
  http::Response response =
      Refuse(request, 401, detail, "Send an access token as Authorization: Bearer TOKEN.");
  response.fields.emplace_back("WWW-Authenticate", challenge);
  return response;
}

// All fields of a name; there should be one at most.
std::vector<std::string_view> FieldsNamed(const http::Request& request, std::string_view name) {
  std::vector<std::string_view> values;
  for (const auto& [field, value] : request.fields) {
    if (field == name) values.push_back(value);
  }
  return values;
}

std::optional<http::Response> ReadToken(const http::Request& request, CallTexts& texts) {
  constexpr std::string_view kScheme = "bearer";
  const auto fields = FieldsNamed(request, "authorization");
  if (fields.empty()) return Unauthorized(request, kAskForToken, "an access token is needed");
  std::string_view token = fields.front();
  const bool bearer = fields.size() == 1 && token.size() > kScheme.size() &&
                      token[kScheme.size()] == ' ' &&
                      EqualWords(token.substr(0, kScheme.size()), kScheme);
  if (bearer) {
    token.remove_prefix(std::min(token.find_first_not_of(' ', kScheme.size()), token.size()));
    if (IsAccessToken(token)) {
      texts.token_digest = DigestAsBytea(token);
      return std::nullopt;
    }
  }
  return Unauthorized(request, kBadToken, "Authorization is not one Bearer token");
}

std::optional<http::Response> ReadParameters(const Operation& operation,
                                             const http::Request& request,
                                             const http::Parameters& path, CallTexts& texts) {
  const auto query = http::SplitQuery(request.query);
  if (!query)
    return Refuse(request, 400,
                  "the query is not name=value pairs, percent-encoded UTF-8, each name once");
  nlohmann::json parameters = path;
  for (const auto& [name, value] : *query) {
    if (std::find(operation.query.begin(), operation.query.end(), name) == operation.query.end()) {
      std::string allowed;
      for (const std::string_view each : operation.query)
        allowed += (allowed.empty() ? "Allowed: " : ", ") + std::string(each);
      return Refuse(request, 400, "there is no query parameter " + name.substr(0, 64), allowed);
    }
    parameters[name] = value;
  }
  texts.parameters = parameters.dump();
  return std::nullopt;
}

// application/json, perhaps with charset=utf-8, which it is anyway (RFC 8259, 8.1).
bool IsJson(std::string_view type) {
  const std::size_t semicolon = std::min(type.find(';'), type.size());
  const auto trimmed = [](std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return std::string_view();
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
  };
  if (!EqualWords(trimmed(type.substr(0, semicolon)), "application/json")) return false;
  if (semicolon == type.size()) return true;
  const std::string_view parameter = trimmed(type.substr(semicolon + 1));
  return EqualWords(parameter, "charset=utf-8") || EqualWords(parameter, "charset=\"utf-8\"");
}

std::optional<http::Response> CheckBody(const Operation& operation, const http::Request& request) {
  if (!operation.body) {
    if (request.body.empty()) return std::nullopt;
    return Refuse(request, 400, "this request takes no body");
  }
  const auto types = FieldsNamed(request, "content-type");
  if (types.size() != 1 || !IsJson(types.front()))
    return Refuse(request, 415, "the body must be JSON, and Content-Type say so",
                  "Send Content-Type: application/json.");
  if (!FieldsNamed(request, "content-encoding").empty())
    return Refuse(request, 415, "the body must not be compressed or encoded",
                  "Leave Content-Encoding out.");
  if (const auto mistake = FindJsonMistake(request.body)) return Refuse(request, 400, *mistake);
  return std::nullopt;
}

// A checkpoint is replaced every second or so; a tile never changes. Rows are for who may read them.
constexpr std::string_view kNotKept = "no-cache";
constexpr std::string_view kKeptByAll = "public, max-age=31536000, immutable";
constexpr std::string_view kKeptByClient = "private, max-age=31536000, immutable";
constexpr std::string_view kBytes = "application/octet-stream";

}  // namespace

// Literal segments go before {eventId}: /v1/audit/verify is no event.
std::span<const Operation> Operations() {
  static const Operation kOperations[] = {
      {.method = "POST",
       .pattern = "/v1/audit",
       .function = "append_audit_events",
       .body = true,
       .if_unknown = "Ask for the eventId that was sent, or send it again with the same eventId."},
      {.method = "GET",
       .pattern = "/v1/audit",
       .function = "list_audit_events",
       .query = {"action", "outcome", "agentId", "organizationId", "from", "to", "limit",
                 "cursor"}},
      {.method = "GET",
       .pattern = "/v1/audit/verify",
       .function = "verify_audit_events",
       .lane = Lane::kLong,
       .calls_per_minute = 30},
      {.method = "GET",
       .pattern = "/v1/audit/consistency",
       .function = "get_audit_consistency",
       .query = {"old", "new", "organizationId"}},
      {.method = "GET", .pattern = "/v1/audit/{eventId}", .function = "get_audit_event"},
      {.method = "GET",
       .pattern = "/v1/audit/{eventId}/proof",
       .function = "get_audit_event_proof",
       .text_member = "tlogProof"},
      {.method = "GET",
       .pattern = "/{log}/checkpoint",
       .function = "log_checkpoint",
       .lane = Lane::kOpen,
       .judge = IsCheckpointPath,
       .content_type = "text/plain; charset=utf-8",
       .caching = kNotKept},
      {.method = "GET",
       .pattern = "/{log}/tile/{level}/{index}",
       .function = "log_tile",
       .lane = Lane::kOpen,
       .judge = IsTilePath,
       .content_type = kBytes,
       .caching = kKeptByAll},
      {.method = "GET",
       .pattern = "/{log}/tile/entries/{index}",
       .function = "log_entries",
       .judge = IsEntriesPath,
       .content_type = kBytes,
       .caching = kKeptByClient},
  };
  return kOperations;
}

std::string SqlOf(const Operation& operation) {
  const std::string_view status = operation.content_type.empty() ? "status" : "status::text";
  return "SELECT " + std::string(status) + ", answer FROM agentidp_api." +
         std::string(operation.function) + "($1::text, $2::bytea, $3::inet, $4::jsonb, $5::jsonb)";
}

std::variant<CallTexts, http::Response> ReadCall(const Operation& operation,
                                                 const http::Request& request,
                                                 const http::Parameters& path) {
  CallTexts texts;
  if (operation.lane != Lane::kOpen) {
    if (auto refused = ReadToken(request, texts)) return std::move(*refused);
  }
  if (auto refused = ReadParameters(operation, request, path, texts)) return std::move(*refused);
  if (auto refused = CheckBody(operation, request)) return std::move(*refused);
  // inet knows no zone ("fe80::1%eth0").
  texts.client = request.client.substr(0, request.client.find('%'));
  return texts;
}

}  // namespace bulla::service
