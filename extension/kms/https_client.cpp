#include "kms/https_client.h"

#include <dlfcn.h>

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

namespace bulla {
namespace {

struct Curl {
  decltype(&curl_global_init) global_init;
  decltype(&curl_easy_init) easy_init;
  decltype(&curl_easy_reset) easy_reset;
  decltype(&curl_easy_setopt) easy_setopt;
  decltype(&curl_easy_perform) easy_perform;
  decltype(&curl_easy_getinfo) easy_getinfo;
  decltype(&curl_easy_strerror) easy_strerror;
  decltype(&curl_slist_append) slist_append;
  decltype(&curl_slist_free_all) slist_free_all;
};

template <class Function>
bool Find(void* library, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
  return *function != nullptr;
}

// Null where it is not installed.
const Curl* LoadCurl() {
  static Curl curl;
  static const bool loaded = [] {
    void* const library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    return library != nullptr && Find(library, "curl_global_init", &curl.global_init) &&
           Find(library, "curl_easy_init", &curl.easy_init) &&
           Find(library, "curl_easy_reset", &curl.easy_reset) &&
           Find(library, "curl_easy_setopt", &curl.easy_setopt) &&
           Find(library, "curl_easy_perform", &curl.easy_perform) &&
           Find(library, "curl_easy_getinfo", &curl.easy_getinfo) &&
           Find(library, "curl_easy_strerror", &curl.easy_strerror) &&
           Find(library, "curl_slist_append", &curl.slist_append) &&
           Find(library, "curl_slist_free_all", &curl.slist_free_all) &&
           curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  }();
  return loaded ? &curl : nullptr;
}

size_t TakeBody(char* bytes, size_t, size_t size, void* body) {
  auto* const text = static_cast<std::string*>(body);
  if (size > kMaxReplySize - text->size()) return 0;  // curl ends the transfer
  text->append(bytes, size);
  return size;
}

// What says that the other side is not who it should be, and will not be the next time.
bool IsAboutTrust(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
         code == CURLE_SSL_ISSUER_ERROR || code == CURLE_SSL_PINNEDPUBKEYNOTMATCH;
}

}  // namespace

Result<HttpsClient> HttpsClient::Create(const std::string& ca_file) {
  const Curl* const curl = LoadCurl();
  if (curl == nullptr)
    return Error{Code::kFailedPrecondition, "libcurl.so.4 cannot be loaded",
                 "Debian's package is libcurl4."};
  HttpsClient client;
  client.ca_file_ = ca_file;
  client.handle_ = curl->easy_init();
  if (client.handle_ == nullptr) return Error{Code::kInternal, "libcurl cannot be set up"};
  return client;
}

Result<HttpReply> HttpsClient::Ask(const std::string& url, const std::vector<std::string>& headers,
                                   const std::string* body, std::chrono::milliseconds limit) {
  const Curl& curl = *LoadCurl();
  HttpReply reply;
  curl_slist* list = nullptr;
  for (const std::string& header : headers) list = curl.slist_append(list, header.c_str());
  const auto set = curl.easy_setopt;
  curl.easy_reset(handle_);
  const std::string schemes = url.starts_with("https:") ? "https" : "http";
  CURLcode code = CURLE_OK;
  const auto also = [&](CURLcode next) {
    if (code == CURLE_OK) code = next;
  };
  also(set(handle_, CURLOPT_URL, url.c_str()));
  also(set(handle_, CURLOPT_PROTOCOLS_STR, schemes.c_str()));
  also(set(handle_, CURLOPT_NOPROXY, "*"));
  also(set(handle_, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED)));
  also(set(handle_, CURLOPT_FOLLOWLOCATION, 0L));
  also(set(handle_, CURLOPT_NOSIGNAL, 1L));
  also(set(handle_, CURLOPT_SSL_VERIFYPEER, 1L));
  also(set(handle_, CURLOPT_SSL_VERIFYHOST, 2L));
  also(set(handle_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2)));
  if (!ca_file_.empty()) {
    also(set(handle_, CURLOPT_CAINFO, ca_file_.c_str()));
    also(set(handle_, CURLOPT_CAPATH, nullptr));
  }
  also(set(handle_, CURLOPT_HTTPHEADER, list));
  also(set(handle_, CURLOPT_TIMEOUT_MS, static_cast<long>(limit.count())));
  also(set(handle_, CURLOPT_WRITEFUNCTION, TakeBody));
  also(set(handle_, CURLOPT_WRITEDATA, &reply.body));
  if (body != nullptr) {
    also(set(handle_, CURLOPT_POST, 1L));
    also(set(handle_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body->size())));
    also(set(handle_, CURLOPT_POSTFIELDS, body->data()));
  }
  also(code == CURLE_OK ? curl.easy_perform(handle_) : code);
  curl_off_t retry_after = 0;
  if (code == CURLE_OK) {
    curl.easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &reply.status);
    curl.easy_getinfo(handle_, CURLINFO_RETRY_AFTER, &retry_after);
    reply.retry_after = static_cast<long>(retry_after);
  }
  curl.slist_free_all(list);
  if (code == CURLE_OK) return reply;
  return Error{IsAboutTrust(code) ? Code::kFailedPrecondition : Code::kUnavailable,
               std::string("cannot be reached: ") + curl.easy_strerror(code)};
}

}  // namespace bulla
