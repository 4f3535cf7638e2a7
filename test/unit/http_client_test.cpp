#include "client/http_client.h"

#include <gtest/gtest.h>

#include <condition_variable>

#include "client/url.h"
#include "unit/http_peer.h"

namespace bulla::client {
namespace {

using namespace std::chrono_literals;

std::string Answer(const std::string& status, const std::string& body,
                   const std::string& fields = "") {
  return "HTTP/1.1 " + status + "\r\n" + fields + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

// Holds the peer's thread until the test is over.
class Gate {
 public:
  ~Gate() { Open(); }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void AwaitSomebody() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

HttpClient Client(Rules rules = {}) { return std::move(HttpClient::Create(rules)).value(); }

TEST(HttpClientTest, GetsWhatIsThere) {
  const HttpPeer peer([](const std::string& request) {
    return Answer("200 OK", request, "Content-Type: text/x.test\r\n");
  });
  auto client = Client();
  const auto reply = client.Ask({peer.url("/a?b=c")});
  ASSERT_TRUE(reply.ok()) << reply.error().message;
  EXPECT_EQ(reply.value().status, 200);
  EXPECT_EQ(reply.value().content_type, "text/x.test");
  EXPECT_TRUE(reply.value().body.starts_with("GET /a?b=c HTTP/1.1\r\n")) << reply.value().body;
}

TEST(HttpClientTest, PostsABody) {
  const HttpPeer peer([](const std::string& request) { return Answer("200 OK", request); });
  auto client = Client();
  for (const std::string& body :
       {std::string(), std::string("a\0b\r\n\r\n", 7), std::string(100'000, 'x')}) {
    const auto reply = client.Ask({peer.url(), &body, "text/x.sent"});
    ASSERT_TRUE(reply.ok()) << reply.error().message;
    const std::string& sent = reply.value().body;
    EXPECT_TRUE(sent.starts_with("POST / HTTP/1.1\r\n"));
    EXPECT_TRUE(sent.ends_with("\r\n\r\n" + body));
    EXPECT_NE(sent.find("Content-Type: text/x.sent\r\n"), std::string::npos);
    EXPECT_EQ(sent.find("Expect:"), std::string::npos);
  }
}

TEST(HttpClientTest, UsesAConnectionAgain) {
  const HttpPeer peer([](const std::string&) { return Answer("200 OK", "."); });
  auto client = Client();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(client.Ask({peer.url()}).ok());
  EXPECT_EQ(peer.requests, 3);
  EXPECT_EQ(peer.connections, 1);
}

TEST(HttpClientTest, AnErrorAndARedirectAreAnswers) {
  const HttpPeer elsewhere([](const std::string&) { return Answer("200 OK", ""); });
  const HttpPeer peer([&](const std::string& request) {
    return request.starts_with("GET /moved")
               ? Answer("302 Found", "", "Location: " + elsewhere.url() + "\r\n")
               : Answer("409 Conflict", "7\n");
  });
  auto client = Client();
  EXPECT_EQ(client.Ask({peer.url()}).value().status, 409);
  EXPECT_EQ(client.Ask({peer.url()}).value().body, "7\n");
  EXPECT_EQ(client.Ask({peer.url("/moved")}).value().status, 302);
  EXPECT_EQ(elsewhere.requests, 0);
}

TEST(HttpClientTest, DoesNotUseAProxyOfTheEnvironment) {
  const HttpPeer proxy([](const std::string&) { return Answer("200 OK", "proxy"); });
  const HttpPeer peer([](const std::string&) { return Answer("200 OK", "peer"); });
  setenv("http_proxy", proxy.url().c_str(), 1);
  const auto reply = Client().Ask({peer.url()});
  unsetenv("http_proxy");
  EXPECT_EQ(reply.value().body, "peer");
}

TEST(HttpClientTest, TakesAnAnswerUpToItsLimit) {
  const HttpPeer peer([](const std::string& request) {
    const std::string body(request.starts_with("GET /long") ? 1001 : 1000, 'x');
    // With and without a length that is told.
    return request.starts_with("GET /told") ? Answer("200 OK", body)
                                            : "HTTP/1.1 200 OK\r\n\r\n" + body;
  });
  auto client = Client({.answer_limit = 1000});
  EXPECT_EQ(client.Ask({peer.url("/told")}).value().body.size(), 1000u);
  EXPECT_EQ(client.Ask({peer.url("/")}).value().body.size(), 1000u);
  const auto reply = client.Ask({peer.url("/long")});
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, Code::kUnavailable);
  EXPECT_EQ(reply.error().message, "the answer is longer than 1000 bytes");
}

TEST(HttpClientTest, AnAnswerThatEndsTooSoonIsNone) {
  const HttpPeer peer(
      [](const std::string&) { return "HTTP/1.1 200 OK\r\nContent-length: 10\r\n\r\nx"; });
  const auto reply = Client().Ask({peer.url()});
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, Code::kUnavailable);
}

TEST(HttpClientTest, DoesNotWaitLongerThanItsLimit) {
  Gate gate;
  const HttpPeer peer([&](const std::string&) {
    gate.Wait();
    return Answer("200 OK", "");
  });
  const auto reply = Client({.limit = 50ms}).Ask({peer.url()});
  gate.Open();
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, Code::kUnavailable);
}

TEST(HttpClientTest, SaysThatNobodyListens) {
  std::string url;
  {
    const HttpPeer peer([](const std::string&) { return std::string(); });
    url = peer.url();
  }
  EXPECT_EQ(Client().Ask({url}).error().code, Code::kUnavailable);
}

TEST(HttpClientTest, IsCancelledFromAnotherThread) {
  Gate gate;
  const HttpPeer peer([&](const std::string&) {
    gate.Wait();
    return Answer("200 OK", "");
  });
  std::stop_source source;
  std::thread other([&] {
    gate.AwaitSomebody();
    source.request_stop();
  });
  auto client = Client({.limit = 10min});
  const auto reply = client.Ask({peer.url()}, source.get_token());
  other.join();
  gate.Open();
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, Code::kCancelled);
  EXPECT_EQ(client.Ask({peer.url()}, source.get_token()).error().code, Code::kCancelled);
  EXPECT_TRUE(client.Ask({peer.url()}).ok()) << "it can be used on";
}

class HttpClientTlsTest : public testing::Test {
 protected:
  HttpClientTlsTest() { certificate_.Write(ca_file_); }
  ~HttpClientTlsTest() override { unlink(ca_file_.c_str()); }

  const PeerCertificate certificate_;
  const std::string ca_file_ = testing::TempDir() + "http_client_test." + std::to_string(getpid());
  const HttpPeer::Script fine_ = [](const std::string&) { return Answer("200 OK", "."); };
};

TEST_F(HttpClientTlsTest, TrustsTheCertificatesItIsGiven) {
  const HttpPeer peer(fine_, &certificate_);
  const auto reply = Client({.ca_file = ca_file_}).Ask({peer.url()});
  EXPECT_TRUE(reply.ok()) << reply.error().message;
}

TEST_F(HttpClientTlsTest, TrustsNoOther) {
  const HttpPeer peer(fine_, &certificate_);
  PeerCertificate().Write(ca_file_);
  EXPECT_EQ(Client({.ca_file = ca_file_}).Ask({peer.url()}).error().code,
            Code::kAuthenticationFailed);
  EXPECT_EQ(Client().Ask({peer.url()}).error().code, Code::kAuthenticationFailed);
  EXPECT_EQ(Client({.ca_file = ca_file_ + ".absent"}).Ask({peer.url()}).error().code,
            Code::kAuthenticationFailed);
  EXPECT_EQ(peer.requests, 0);
}

TEST_F(HttpClientTlsTest, AsksForTheNameThatIsInTheUrl) {
  const HttpPeer peer(fine_, &certificate_);
  std::string url = peer.url();
  url.replace(url.find("127.0.0.1"), 9, "localhost");
  EXPECT_EQ(Client({.ca_file = ca_file_}).Ask({url}).error().code, Code::kAuthenticationFailed);
}

TEST_F(HttpClientTlsTest, SpeaksTls12AndLater) {
  const HttpPeer newer(fine_, &certificate_, TLS1_2_VERSION);
  const HttpPeer older(fine_, &certificate_, TLS1_1_VERSION);
  EXPECT_TRUE(Client({.ca_file = ca_file_}).Ask({newer.url()}).ok());
  EXPECT_FALSE(Client({.ca_file = ca_file_}).Ask({older.url()}).ok());
}

TEST(CheckUrlTest, TakesHttpsAndHttpToThisMachine) {
  for (const std::string good :
       {"https://witness.example.com", "https://w.example:8443/a/b?c=d", "https://[2001:db8::1]/",
        "http://localhost:8080/", "http://127.0.0.1/x", "http://127.9.9.9/", "http://[::1]:1/"})
    EXPECT_TRUE(CheckUrl(good, false).ok()) << good;
  EXPECT_TRUE(CheckUrl("http://witness.example.com/", true).ok());
}

TEST(CheckUrlTest, RefusesWhatIsNoUrlToAsk) {
  for (const std::string bad :
       {"", "witness.example.com", "/a", "https://", "https:///a", "ftp://a/", "file:///etc/passwd",
        "http://witness.example.com/", "http://128.0.0.1/", "http://localhost.example.com/",
        "https://u@a/", "https://u:p@a/", "https://a/#b", "https://a /", "https://a/\n",
        "https://ä/", "https://a:99999/"}) {
    const auto fine = CheckUrl(bad, false);
    ASSERT_FALSE(fine.ok()) << bad;
    EXPECT_EQ(fine.error().code, Code::kInvalidArgument);
    EXPECT_EQ(fine.error().message.find("u:p"), std::string::npos);
  }
  EXPECT_FALSE(CheckUrl(std::string("https://a/\0b", 12), false).ok());
  EXPECT_EQ(Client().Ask({"http://witness.example.com/"}).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace bulla::client
