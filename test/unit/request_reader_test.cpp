#include "http/request_reader.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace bulla::http {
namespace {

using State = RequestReader::State;

const std::string kGet = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const std::string kPost = "POST /a HTTP/1.1\r\nHost: x\r\n";
const std::string kChunked = kPost + "Transfer-Encoding: chunked\r\n\r\n";

Limits SmallLimits() {
  Limits limits;
  limits.target = 100;
  limits.head = 500;
  limits.fields = 10;
  limits.body = 1000;
  return limits;
}

// What a reader makes of some bytes: each request in one line, and where it ends.
std::vector<std::string> Read(const std::string& bytes, const std::vector<std::size_t>& cuts) {
  static const Limits limits = SmallLimits();
  RequestReader reader(limits);
  std::vector<std::string> seen;
  std::size_t from = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t to = i < cuts.size() ? cuts[i] : bytes.size();
    reader.Feed(std::string_view(bytes).substr(from, to - from));
    from = to;
    while (reader.state() == State::kComplete) {
      const bool keep_alive = reader.keep_alive();
      const Request request = reader.Take();
      std::string line = request.method + " " + request.path + "?" + request.query;
      for (const auto& [name, value] : request.fields) {
        line += " " + name + "=" + value;
      }
      seen.push_back(line + " [" + request.body + "]" + (keep_alive ? "" : " close"));
    }
  }
  if (reader.state() == State::kFailed) {
    seen.push_back(std::to_string(reader.status()));
  } else if (reader.begun()) {
    seen.push_back(reader.state() == State::kBody ? "in a body" : "in a head");
  }
  return seen;
}

std::vector<std::string> Read(const std::string& bytes) { return Read(bytes, {}); }

using Seen = std::vector<std::string>;

struct Case {
  const char* what;
  std::string bytes;
  Seen want;
};

std::vector<Case> Cases() {
  const auto with = [](const std::string& field) {
    return "GET /a HTTP/1.1\r\nHost: x\r\n" + field + "\r\n\r\n";
  };
  const auto length = [](const std::string& value, const std::string& body) {
    return kPost + "Content-Length: " + value + "\r\n\r\n" + body;
  };
  return {
      {"a request", kGet, {"GET /a? host=x []"}},
      {"two requests", kGet + kGet, {"GET /a? host=x []", "GET /a? host=x []"}},
      {"an empty line first", "\r\n" + kGet, {"GET /a? host=x []"}},
      {"two empty lines first", "\r\n\r\n" + kGet, {"400"}},
      {"a query", "GET /a?b=c?d HTTP/1.1\r\nHost: x\r\n\r\n", {"GET /a?b=c?d host=x []"}},
      {"the absolute form",
       "GET http://x:80/a?b HTTP/1.1\r\nHost: x\r\n\r\n",
       {"GET /a?b host=x []"}},
      {"the absolute form without a path",
       "GET HTTP://x HTTP/1.1\r\nHost: x\r\n\r\n",
       {"GET /? host=x []"}},
      {"the asterisk", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", {"OPTIONS *? host=x []"}},
      {"the asterisk of GET", "GET * HTTP/1.1\r\nHost: x\r\n\r\n", {"400"}},
      {"blanks around a value", with("X-A: \t b c \t"), {"GET /a? host=x x-a=b c []"}},
      {"bytes over 127 in a value", with("X-A: \xC3\xA9"), {"GET /a? host=x x-a=\xC3\xA9 []"}},
      {"repeated fields", with("X-A: 1\r\nx-a: 2"), {"GET /a? host=x x-a=1 x-a=2 []"}},
      {"HTTP/1.0", "GET /a HTTP/1.0\r\n\r\n", {"GET /a? [] close"}},
      {"HTTP/1.0 that goes on",
       "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
       {"GET /a? connection=keep-alive []"}},
      {"the last request", with("Connection: close"), {"GET /a? host=x connection=close [] close"}},
      {"a body",
       length("5", "hello") + kGet,
       {"POST /a? host=x content-length=5 [hello]", "GET /a? host=x []"}},
      {"an empty body", length("0", ""), {"POST /a? host=x content-length=0 []"}},
      {"half a body", length("5", "he"), {"in a body"}},
      {"chunks",
       kChunked + "5\r\nhello\r\n3;a=b;c=\"d\"\r\nabc\r\n00\r\n\r\n" + kGet,
       {"POST /a? host=x transfer-encoding=chunked [helloabc]", "GET /a? host=x []"}},
      {"trailers are no fields",
       kChunked + "0\r\nAuthorization: mine\r\nX-T: 1\r\n\r\n",
       {"POST /a? host=x transfer-encoding=chunked []"}},
      {"chunks that are not there yet", kChunked + "5\r\nhello", {"in a body"}},

      {"a line feed alone", "GET /a HTTP/1.1\nHost: x\n\n", {"400"}},
      {"a carriage return alone", "GET /a HTTP/1.1\r\nHost: x\ry\r\n\r\n", {"400"}},
      {"a folded field", with("X-A: b\r\n c"), {"400"}},
      {"a field folded with a tab", with("X-A: b\r\n\tc"), {"400"}},
      {"a blank line of a blank", "GET /a HTTP/1.1\r\n \r\nHost: x\r\n\r\n", {"400"}},
      {"NUL in a field", with(std::string("X-A: b\0c", 8)), {"400"}},
      {"NUL in the target", std::string("GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n", 31), {"400"}},
      {"DEL in a field", with("X-A: b\x7F"), {"400"}},
      {"no colon", with("X-A"), {"400"}},
      {"no name", with(": b"), {"400"}},
      {"a blank before the colon", with("X-A : b"), {"400"}},
      {"a name with a bracket", with("X[A: b"), {"400"}},
      {"no version", "GET /a\r\nHost: x\r\n\r\n", {"400"}},
      {"two blanks", "GET  /a HTTP/1.1\r\nHost: x\r\n\r\n", {"400"}},
      {"a blank in the target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", {"400"}},
      {"a blank at the end", "GET /a HTTP/1.1 \r\nHost: x\r\n\r\n", {"400"}},
      {"a fragment", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", {"400"}},
      {"bytes over 127 in the target", "GET /\xC3\xA9 HTTP/1.1\r\nHost: x\r\n\r\n", {"400"}},
      {"no slash", "GET a HTTP/1.1\r\nHost: x\r\n\r\n", {"400"}},
      {"a method that is no token", "G(T /a HTTP/1.1\r\nHost: x\r\n\r\n", {"400"}},
      {"HTTP/2.0", "GET /a HTTP/2.0\r\nHost: x\r\n\r\n", {"505"}},
      {"HTTP/1.2", "GET /a HTTP/1.2\r\nHost: x\r\n\r\n", {"505"}},
      {"HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {"505"}},
      {"a lower-case version", "GET /a http/1.1\r\nHost: x\r\n\r\n", {"400"}},
      {"a version with more behind it", "GET /a HTTP/1.1x\r\nHost: x\r\n\r\n", {"400"}},
      {"a TLS client", std::string("\x16\x03\x01\x00\xF4", 5), {"400"}},
      {"no Host", "GET /a HTTP/1.1\r\n\r\n", {"400"}},
      {"two Hosts", with("Host: y"), {"400"}},
      {"Content-Length: +5", length("+5", "hello"), {"400"}},
      {"Content-Length: -5", length("-5", "hello"), {"400"}},
      {"Content-Length: 0x5", length("0x5", "hello"), {"400"}},
      {"Content-Length: 5, 5", length("5, 5", "hello"), {"400"}},
      {"Content-Length without a value", length("", "hello"), {"400"}},
      {"Content-Length twice", length("5\r\nContent-Length: 5", "hello"), {"400"}},
      {"Content-Length twice, different", length("5\r\nContent-Length: 6", "hello"), {"400"}},
      {"Content-Length beside Transfer-Encoding",
       length("5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
       {"400"}},
      {"Transfer-Encoding beside Content-Length",
       kPost + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
       {"400"}},
      {"chunks of HTTP/1.0",
       "POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       {"400"}},
      {"Transfer-Encoding: gzip, chunked",
       kPost + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
       {"501"}},
      {"Transfer-Encoding: identity", kPost + "Transfer-Encoding: identity\r\n\r\n", {"501"}},
      {"Transfer-Encoding: xchunked", kPost + "Transfer-Encoding: xchunked\r\n\r\n", {"501"}},
      {"Transfer-Encoding without a value", kPost + "Transfer-Encoding:\r\n\r\n", {"501"}},
      {"Transfer-Encoding twice",
       kPost + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       {"400"}},
      {"another expectation", with("Expect: money"), {"417"}},
      {"a chunk's size with 0x", kChunked + "0x5\r\nhello\r\n0\r\n\r\n", {"400"}},
      {"a chunk's size with a sign", kChunked + "+5\r\nhello\r\n0\r\n\r\n", {"400"}},
      {"a chunk without a size", kChunked + "\r\nhello\r\n0\r\n\r\n", {"400"}},
      {"a chunk that is longer", kChunked + "3\r\nhello\r\n0\r\n\r\n", {"400"}},
      {"a chunk that ends otherwise", kChunked + "5\r\nhelloXX0\r\n\r\n", {"400"}},
      {"a chunk's size with a line feed alone", kChunked + "5\nhello\r\n0\r\n\r\n", {"400"}},
      {"a chunk's size of 17 digits",
       kChunked + "00000000000000005\r\nhello\r\n0\r\n\r\n",
       {"POST /a? host=x transfer-encoding=chunked [hello]"}},
      {"a chunk's size beyond 64 bits",
       kChunked + "10000000000000005\r\nhello\r\n0\r\n\r\n",
       {"400"}},

      {"a long target", "GET /" + std::string(100, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", {"414"}},
      {"a long target without an end", "GET /" + std::string(200, 'a'), {"414"}},
      {"a large head", with("X-A: " + std::string(500, 'b')), {"431"}},
      {"a large head without an end", "GET /a HTTP/1.1\r\nX-A: " + std::string(500, 'b'), {"431"}},
      {"a large body", length("1001", ""), {"413"}},
      {"a huge body", length("9999999999999999", ""), {"413"}},
      {"a body beyond 64 bits", length("99999999999999999999", ""), {"400"}},
      {"a large chunk", kChunked + "3E9\r\n", {"413"}},
      {"many chunks", kChunked + "200\r\n" + std::string(512, 'a') + "\r\n200\r\n", {"413"}},
      {"what follows a refusal is not read", length("1001", "") + kGet, {"413"}},
  };
}

TEST(RequestReaderTest, ReadsWhatIsARequestAndRefusesTheRest) {
  for (const Case& test : Cases()) {
    EXPECT_EQ(Read(test.bytes), test.want) << test.what;
  }
}

TEST(RequestReaderTest, ReadsTheSameHoweverTheBytesAreCut) {
  for (const Case& test : Cases()) {
    for (std::size_t cut = 1; cut < test.bytes.size(); ++cut) {
      EXPECT_EQ(Read(test.bytes, {cut}), test.want) << test.what << ", cut at " << cut;
    }
    std::vector<std::size_t> everywhere;
    for (std::size_t cut = 1; cut < test.bytes.size(); ++cut) {
      everywhere.push_back(cut);
    }
    EXPECT_EQ(Read(test.bytes, everywhere), test.want) << test.what << ", byte by byte";
  }
}

// Where there are two reasons to refuse, the one that comes in sight first is given.
Seen WithoutReason(Seen seen) {
  if (!seen.empty() && seen.back().find_first_not_of("0123456789") == std::string::npos) {
    seen.back() = "refused";
  }
  return seen;
}

// What was changed may be a request or not; but where it is cut must not decide which.
TEST(RequestReaderTest, ReadsChangedBytesTheSameHoweverTheyAreCut) {
  std::mt19937 random(20260101);
  const auto below = [&](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
  };
  const std::string strange("\0\t\n\r ,:;#%\"\x7F\x80\xFF", 14);
  const std::vector<Case> cases = Cases();
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = cases[below(cases.size())].bytes;
    for (std::size_t change = below(4) + 1; change > 0 && !bytes.empty(); --change) {
      const std::size_t at = below(bytes.size());
      switch (below(4)) {
        case 0:
          bytes[at] = static_cast<char>(below(256));
          break;
        case 1:
          bytes.insert(at, 1, strange[below(strange.size())]);
          break;
        case 2:
          bytes.erase(at, below(5) + 1);
          break;
        default:
          bytes.insert(at, bytes.substr(below(bytes.size()), below(40)));
      }
    }
    if (bytes.size() < 2) {
      continue;
    }
    const Seen whole = WithoutReason(Read(bytes));
    const std::size_t cut = below(bytes.size() - 1) + 1;
    ASSERT_EQ(WithoutReason(Read(bytes, {cut})), whole)
        << "cut at " << cut << ": " << testing::PrintToString(bytes);
  }
}

TEST(RequestReaderTest, TakesAHostThatIsANameOrAnAddress) {
  const Limits limits;
  const auto status = [&](const std::string& host) {
    RequestReader reader(limits);
    reader.Feed("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    return reader.status();
  };
  for (const char* good : {"", "x", "a-b.example.com", "x:80", "x:", "192.0.2.1:8080", "[::1]",
                           "[::1]:80", "[::ffff:192.0.2.1]:", "xn--bcher-kva.example", "a_b"}) {
    EXPECT_EQ(status(good), 0) << good;
  }
  for (const char* bad :
       {"x y",      "x/y",  "x,y",  "a@b",     "x?y",    "x#y",     "x:abc", "x:-1",
        "x:123456", "[::1", "::1",  "[]",      "[x",     "x]",      "x\\y",  "x%zz",
        "x%41",     "<x>",  "\xFF", "x:80:80", "[::1]x", "http://x"}) {
    EXPECT_EQ(status(bad), 400) << bad;
  }
}

TEST(RequestReaderTest, TakesAsManyFieldsAsTheLimitAndNoMore) {
  Limits limits;
  for (const std::size_t count : {limits.fields, limits.fields + 1}) {
    std::string bytes = "GET / HTTP/1.1\r\nHost: x\r\n";
    for (std::size_t i = 1; i < count; ++i) {
      bytes += "X-A: b\r\n";
    }
    RequestReader reader(limits);
    reader.Feed(bytes + "\r\n");
    EXPECT_EQ(reader.status(), count > limits.fields ? 431 : 0);
  }
}

TEST(RequestReaderTest, KnowsWhetherAClientWaitsToBeToldToGoOn) {
  const Limits limits;
  const std::string head = kPost + "Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n";
  RequestReader waiting(limits);
  waiting.Feed(head);
  EXPECT_TRUE(waiting.WantsContinue());
  waiting.Feed("h");
  EXPECT_FALSE(waiting.WantsContinue());
  RequestReader sending(limits);
  sending.Feed(head + "h");
  EXPECT_FALSE(sending.WantsContinue());
  RequestReader old(limits);
  old.Feed("POST /a HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_FALSE(old.WantsContinue());
}

TEST(RequestReaderTest, DoesNotKeepAChunksLineThatNeverEnds) {
  const Limits limits;
  RequestReader reader(limits);
  reader.Feed(kChunked + "5;");
  while (reader.state() == State::kBody) {
    reader.Feed(std::string(1000, 'a'));
    ASSERT_LE(reader.held_bytes(), limits.head + 2000);
  }
  EXPECT_EQ(reader.status(), 431);
}

TEST(RequestReaderTest, CountsTheBytesThatItHolds) {
  const Limits limits;
  RequestReader reader(limits);
  EXPECT_EQ(reader.held_bytes(), 0U);
  reader.Feed(kPost + "Content-Length: 100\r\n\r\n" + std::string(60, 'a'));
  EXPECT_EQ(reader.held_bytes(), 60U);
  reader.Feed(std::string(40, 'a') + kGet);
  EXPECT_EQ(reader.held_bytes(), 100U + kGet.size());
}

}  // namespace
}  // namespace bulla::http
