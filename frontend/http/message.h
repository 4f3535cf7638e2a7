// An HTTP request as it was understood, and the answer to it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bulla::http {

// Field names are lower case; a value has no blanks around it. Repeated fields stay apart, in order.
using Fields = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;
  std::string path;   // as sent, percent-encoded
  std::string query;  // as sent, without the question mark
  Fields fields;
  std::string body;

  std::string id;      // names the request in answers, logs and the database: [A-Za-z0-9._-]{1,40}
  std::string client;  // the client's address as text, without port; empty on a unix socket

  // The value of a field, nullptr where it is absent; the first where it is repeated.
  const std::string* Find(std::string_view lower_case_name) const {
    for (const auto& [name, value] : fields) {
      if (name == lower_case_name) {
        return &value;
      }
    }
    return nullptr;
  }
};

struct Response {
  int status = 200;
  std::string body = {};
  std::string content_type = "application/json";  // sent where there is a body
  Fields fields = {};                             // names as they are sent
  bool close = false;                             // end the connection after this answer
};

// What RFC 9110 calls the reason phrase of a status, "Status" for one that it does not know.
std::string_view ReasonPhrase(int status);

}  // namespace bulla::http
