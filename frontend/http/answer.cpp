#include "http/answer.h"

#include <ctime>

namespace bulla::http {
namespace {

// RFC 9110, 5.6.7. Printed once a second and thread.
std::string_view Date() {
  thread_local std::time_t printed = 0;
  thread_local char text[32];
  thread_local std::size_t size = 0;
  const std::time_t now = std::time(nullptr);
  if (now != printed) {
    std::tm utc{};
    gmtime_r(&now, &utc);
    size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    printed = now;
  }
  return {text, size};
}

void AddField(std::string& bytes, std::string_view name, std::string_view value) {
  bytes += name;
  bytes += ": ";
  for (const char character : value) {
    if (character != '\r' && character != '\n' && character != '\0') {
      bytes += character;
    }
  }
  bytes += "\r\n";
}

}  // namespace

std::string WriteAnswer(const Response& response, const AnswerFraming& framing) {
  const bool has_body = response.status >= 200 && response.status != 204 && response.status != 304;
  std::string bytes;
  bytes.reserve(512 + response.body.size());
  bytes += "HTTP/1.1 ";
  bytes += std::to_string(response.status);
  bytes += ' ';
  bytes += ReasonPhrase(response.status);
  bytes += "\r\n";
  AddField(bytes, "Date", Date());
  if (!framing.request_id.empty()) {
    AddField(bytes, "X-Request-Id", framing.request_id);
  }
  for (const auto& [name, value] : response.fields) {
    AddField(bytes, name, value);
  }
  if (has_body) {
    if (!response.body.empty()) {
      AddField(bytes, "Content-Type", response.content_type);
    }
    AddField(bytes, "Content-Length", std::to_string(response.body.size()));
  }
  AddField(bytes, "Connection", framing.close ? "close" : "keep-alive");
  bytes += "\r\n";
  if (has_body && !framing.head_only) {
    bytes += response.body;
  }
  return bytes;
}

}  // namespace bulla::http
