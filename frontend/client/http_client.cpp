#include "client/http_client.h"

#include <utility>

#include <curl/curl.h>

#include "client/url.h"

namespace bulla::client {
namespace {

// libcurl's set-up is global; since 7.84 it may be done from any thread.
bool SetUpCurl() {
  static const bool well = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return well;
}

struct Body {
  std::string bytes;
  std::size_t limit;
  bool too_long = false;
};

size_t TakeBody(char* bytes, size_t, size_t size, void* into) {
  auto& body = *static_cast<Body*>(into);
  if (size > body.limit - body.bytes.size()) {
    body.too_long = true;
    return 0;  // curl ends the transfer
  }
  body.bytes.append(bytes, size);
  return size;
}

Error Failure(CURLcode code, const Body& body) {
  if (body.too_long)
    return {Code::kUnavailable,
            "the answer is longer than " + std::to_string(body.limit) + " bytes"};
  // What says that the other side is not who it should be, and will not be the next time.
  const bool distrust = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_ISSUER_ERROR ||
                        code == CURLE_SSL_CACERT_BADFILE;
  return {distrust ? Code::kAuthenticationFailed : Code::kUnavailable, curl_easy_strerror(code)};
}

using Handle = std::unique_ptr<CURL, void (*)(CURL*)>;
using List = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

}  // namespace

class HttpClient::Curl {
 public:
  Curl(Rules rules, CURLM* multi) : rules_(std::move(rules)), multi_(multi) {}
  ~Curl() { curl_multi_cleanup(multi_); }
  Curl(const Curl&) = delete;
  Curl& operator=(const Curl&) = delete;

  Result<Reply> Ask(const Request& request, const std::stop_token& stop);

 private:
  CURLcode SetUp(CURL* handle, const Request& request, curl_slist* headers, Body* body) const;
  Result<CURLcode> Perform(CURL* handle, const std::stop_token& stop);

  const Rules rules_;
  CURLM* const multi_;
};

Result<Reply> HttpClient::Curl::Ask(const Request& request, const std::stop_token& stop) {
  if (auto fine = CheckUrl(request.url, rules_.plain_http); !fine.ok()) return fine.error();
  const Handle handle(curl_easy_init(), curl_easy_cleanup);
  // Without "Expect: 100-continue", which other servers may answer with an error.
  const std::string type = "Content-Type: " + request.content_type;
  List headers(curl_slist_append(nullptr, "Expect:"), curl_slist_free_all);
  if (handle == nullptr || headers == nullptr ||
      (request.body != nullptr && curl_slist_append(headers.get(), type.c_str()) == nullptr))
    return Error{Code::kUnavailable, "out of memory"};
  Body body{{}, rules_.answer_limit};
  const CURLcode ready = SetUp(handle.get(), request, headers.get(), &body);
  if (ready != CURLE_OK) return Failure(ready, body);
  auto done = Perform(handle.get(), stop);
  if (!done.ok()) return done.error();
  if (done.value() != CURLE_OK) return Failure(done.value(), body);
  Reply reply;
  reply.body = std::move(body.bytes);
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &reply.status);
  const char* content_type = nullptr;
  curl_easy_getinfo(handle.get(), CURLINFO_CONTENT_TYPE, &content_type);
  if (content_type != nullptr) reply.content_type = content_type;
  return reply;
}

CURLcode HttpClient::Curl::SetUp(CURL* handle, const Request& request, curl_slist* headers,
                                 Body* body) const {
  CURLcode code = CURLE_OK;
  const auto set = [&code, handle](CURLoption option, auto value) {
    if (code == CURLE_OK) code = curl_easy_setopt(handle, option, value);
  };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_NOPROXY, "*");
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NOSIGNAL, 1L);
  // A name that is being resolved when time is over is not waited for.
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!rules_.ca_file.empty()) {
    set(CURLOPT_CAINFO, rules_.ca_file.c_str());
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  set(CURLOPT_USERAGENT, "bullad");
  set(CURLOPT_HTTPHEADER, headers);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(rules_.connect_limit.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(rules_.limit.count()));
  set(CURLOPT_WRITEFUNCTION, TakeBody);
  set(CURLOPT_WRITEDATA, static_cast<void*>(body));
  if (request.body != nullptr) {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body->size()));
    set(CURLOPT_POSTFIELDS, request.body->data());
  }
  return code;
}

// Drives the transfer in this thread, so that another one can wake it up.
Result<CURLcode> HttpClient::Curl::Perform(CURL* handle, const std::stop_token& stop) {
  if (curl_multi_add_handle(multi_, handle) != CURLM_OK)
    return Error{Code::kUnavailable, "libcurl takes no request"};
  const std::stop_callback wake(stop, [this] { curl_multi_wakeup(multi_); });
  CURLMcode code = CURLM_OK;
  CURLcode result = CURLE_FAILED_INIT;
  int running = 1;
  while (code == CURLM_OK && running != 0 && !stop.stop_requested()) {
    code = curl_multi_perform(multi_, &running);
    // It looks at its own time limits, too.
    if (code == CURLM_OK && running != 0) code = curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
  }
  int left = 0;
  while (const CURLMsg* const message = curl_multi_info_read(multi_, &left))
    if (message->msg == CURLMSG_DONE) result = message->data.result;
  curl_multi_remove_handle(multi_, handle);
  if (code != CURLM_OK) return Error{Code::kUnavailable, curl_multi_strerror(code)};
  if (running != 0) return Error{Code::kCancelled, "the request was cancelled"};
  return result;
}

HttpClient::HttpClient(std::unique_ptr<Curl> curl) : curl_(std::move(curl)) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

Result<HttpClient> HttpClient::Create(Rules rules) {
  CURLM* const multi = SetUpCurl() ? curl_multi_init() : nullptr;
  if (multi == nullptr) return Error{Code::kFailedPrecondition, "libcurl cannot be set up"};
  return HttpClient(std::make_unique<Curl>(std::move(rules), multi));
}

Result<Reply> HttpClient::Ask(const Request& request, std::stop_token stop) {
  return curl_->Ask(request, stop);
}

}  // namespace bulla::client
