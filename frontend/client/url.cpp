#include "client/url.h"

#include <algorithm>
#include <memory>

#include <arpa/inet.h>
#include <curl/curl.h>

namespace bulla::client {
namespace {

struct Part {
  CURLUcode code;
  std::string text;
};

Part Get(CURLU* url, CURLUPart which) {
  char* text = nullptr;
  Part part{curl_url_get(url, which, &text, 0), {}};
  if (text != nullptr) part.text = text;
  curl_free(text);
  return part;
}

bool IsThisMachine(const std::string& host) {
  if (host == "localhost" || host == "[::1]") return true;
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

}  // namespace

Result<void> CheckUrl(const std::string& text, bool plain_http) {
  const std::unique_ptr<CURLU, void (*)(CURLU*)> url(curl_url(), curl_url_cleanup);
  // What curl would guess at or mend is refused.
  const bool bare =
      std::all_of(text.begin(), text.end(), [](char byte) { return byte > 0x20 && byte < 0x7F; });
  const bool plain = text.starts_with("http://");
  const size_t host = plain ? 7 : 8;
  if (!plain && !text.starts_with("https://"))
    return Error{Code::kInvalidArgument, "the URL must begin with https:// or http://"};
  if (url == nullptr || !bare || text.substr(host, 1) == "/" ||
      curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK)
    return Error{Code::kInvalidArgument,
                 "this is not a URL such as \"https://witness.example.com\""};
  if (Get(url.get(), CURLUPART_USER).code != CURLUE_NO_USER ||
      Get(url.get(), CURLUPART_PASSWORD).code != CURLUE_NO_PASSWORD)
    return Error{Code::kInvalidArgument, "the URL must not hold a user or password"};
  if (Get(url.get(), CURLUPART_FRAGMENT).code != CURLUE_NO_FRAGMENT)
    return Error{Code::kInvalidArgument, "the URL must not have a fragment"};
  if (plain && !plain_http && !IsThisMachine(Get(url.get(), CURLUPART_HOST).text))
    return Error{Code::kInvalidArgument, "the URL must begin with https://",
                 "http:// is for this machine, unless it is allowed explicitly."};
  return {};
}

}  // namespace bulla::client
