// Clients that race: many connections that come and go, so that a server's descriptors are reused all
// the time, while others check that the answer they get is theirs and that silence is answered by
// silence.
//
// Every id that is asked for is unique, and an answer has to name its own and no other. Exit codes: 0,
// nothing wrong; 1, a wrong, unsolicited or missing answer; 2, a mistake in the arguments.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

struct Options {
  std::string address = "127.0.0.1";
  int port = 0;
  std::string path = "/id/";
  std::vector<std::string> fields;
  double seconds = 5;
  int aborting = 8;
  int checking = 4;
  int silent = 4;
  int requests = 3;       // of a checking client, on one connection
  int rounds = 0;         // of connecting all at once, instead of the above
  int patience = 10'000;  // milliseconds until an answer is missing
  int silence = 20;       // milliseconds that a silent client listens
  bool stop_at_wrong = false;
  bool tls = false;
};

struct Counts {
  std::atomic<long> aborted{0}, checked{0}, silent{0};
  std::atomic<long> wrong{0}, unsolicited{0}, missing{0}, refused{0};
};

Options options;
Counts counts;
std::atomic<bool> stop{false};

void Report(std::atomic<long>& count, const std::string& what) {
  static std::mutex mutex;
  const long seen = ++count;
  if (seen <= 3) {
    std::lock_guard lock(mutex);
    std::fprintf(stderr, "%s\n", what.c_str());
  }
  if (options.stop_at_wrong) {
    stop = true;
  }
}

SSL_CTX* TlsContext() {
  static SSL_CTX* const context = [] {
    SSL_CTX* made = SSL_CTX_new(TLS_client_method());
    SSL_CTX_clear_mode(made, SSL_MODE_AUTO_RETRY);  // a session ticket is not what we wait for
    return made;
  }();
  return context;
}

// One connection. Ends with a reset where it is left before its answer, as a client that is killed does.
class Connection {
 public:
  Connection() {
    descriptor_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(options.port));
    inet_pton(AF_INET, options.address.c_str(), &address.sin_addr);
    const int one = 1;
    setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    // Nobody waits for ever: neither a handshake nor a write.
    const timeval patience{options.patience / 1000, options.patience % 1000 * 1000};
    setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    connected_ = connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    if (connected_ && options.tls) {
      tls_ = SSL_new(TlsContext());
      SSL_set_fd(tls_, descriptor_);
      connected_ = SSL_connect(tls_) == 1;
    }
  }
  ~Connection() {
    SSL_free(tls_);
    if (reset_) {
      const linger now{1, 0};
      setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    close(descriptor_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool connected() const { return connected_; }
  void CloseGently() { reset_ = false; }

  bool Send(const std::string& text) {
    if (tls_ != nullptr) {
      return SSL_write(tls_, text.data(), static_cast<int>(text.size())) > 0;
    }
    return send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }

  // Appends what comes within the time; false at the time's or the connection's end.
  bool Receive(std::string& text, Clock::time_point until) {
    std::array<char, 4096> buffer;
    if (tls_ == nullptr || SSL_pending(tls_) == 0) {
      const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now()).count();
      pollfd waiting{descriptor_, POLLIN, 0};
      if (poll(&waiting, 1, static_cast<int>(std::max<long>(left, 0))) <= 0) {
        return false;
      }
    }
    const ssize_t got = tls_ != nullptr
                            ? SSL_read(tls_, buffer.data(), static_cast<int>(buffer.size()))
                            : recv(descriptor_, buffer.data(), buffer.size(), 0);
    if (got <= 0) {
      return tls_ != nullptr && SSL_get_error(tls_, static_cast<int>(got)) == SSL_ERROR_WANT_READ;
    }
    text.append(buffer.data(), static_cast<std::size_t>(got));
    return true;
  }

 private:
  int descriptor_ = -1;
  SSL* tls_ = nullptr;
  bool connected_ = false;
  bool reset_ = true;
};

// A uuid that nobody else asks for; the first eight digits are those of all ids of this run.
class Ids {
 public:
  explicit Ids(int client) : client_(client) {}
  std::string Next() {
    char text[40];
    std::snprintf(text, sizeof text, "%s-%04x-4000-8000-%012lx", Mark().c_str(), client_, ++last_);
    return text;
  }
  static const std::string& Mark() {
    static const std::string mark = [] {
      char text[16];
      std::snprintf(text, sizeof text, "%08x", std::random_device()() | 0xa0000000u);
      return std::string(text);
    }();
    return mark;
  }

 private:
  int client_;
  long last_ = 0;
};

std::string MakeRequest(const std::string& id) {
  std::string text = "GET " + options.path + id + " HTTP/1.1\r\nHost: race\r\n";
  for (const std::string& field : options.fields) {
    text += field + "\r\n";
  }
  return text + "\r\n";
}

// The length of the first whole answer in the text, 0 where it is not there yet.
std::size_t AnswerLength(const std::string& text) {
  const std::size_t head = text.find("\r\n\r\n");
  if (head == std::string::npos) {
    return 0;
  }
  std::string fields = text.substr(0, head);
  std::transform(fields.begin(), fields.end(), fields.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::size_t field = fields.find("\r\ncontent-length:");
  const std::size_t body =
      field == std::string::npos
          ? 0
          : std::stoul(fields.substr(field + sizeof "\r\ncontent-length:" - 1));
  return text.size() >= head + 4 + body ? head + 4 + body : 0;
}

// Whether the answer names the id, and no other id of this run.
bool IsAnswerTo(const std::string& id, std::string_view answer) {
  std::size_t found = 0;
  for (std::size_t at = answer.find(Ids::Mark()); at != std::string_view::npos;
       at = answer.find(Ids::Mark(), at + 1)) {
    if (answer.substr(at, id.size()) != id) {
      return false;
    }
    ++found;
  }
  return found > 0;
}

// Leaves at the moment when the answer is on its way, or just before.
void Abort(int client) {
  Ids ids(client);
  std::minstd_rand random(static_cast<unsigned>(client));
  while (!stop) {
    Connection connection;
    if (!connection.connected()) {
      ++counts.refused;
      continue;
    }
    connection.Send(MakeRequest(ids.Next()));
    if (random() % 4 == 1) {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 60));
    }
    if (random() % 2 == 0) {
      connection.CloseGently();
    }
    ++counts.aborted;
  }
}

void Check(int client) {
  Ids ids(client);
  while (!stop) {
    Connection connection;
    if (!connection.connected()) {
      ++counts.refused;
      continue;
    }
    std::string received;
    for (int i = 0; i < options.requests && !stop; ++i) {
      const std::string id = ids.Next();
      connection.Send(MakeRequest(id));
      const auto until = Clock::now() + milliseconds(options.patience);
      while (AnswerLength(received) == 0 && connection.Receive(received, until)) {
      }
      const std::size_t length = AnswerLength(received);
      if (length == 0) {
        Report(counts.missing, "missing: the answer for " + id + ", but: " + received);
        break;
      }
      ++counts.checked;
      if (!IsAnswerTo(id, std::string_view(received).substr(0, length))) {
        Report(counts.wrong, "wrong: asked for " + id + ", got: " + received);
        break;
      }
      received.erase(0, length);
    }
  }
}

// Whoever asks nothing is answered nothing.
void Listen(int) {
  while (!stop) {
    Connection connection;
    if (!connection.connected()) {
      ++counts.refused;
      continue;
    }
    std::string received;
    const auto until = Clock::now() + milliseconds(options.silence);
    while (connection.Receive(received, until)) {
    }
    ++counts.silent;
    if (!received.empty()) {
      Report(counts.unsolicited, "unsolicited: " + received);
    }
  }
}

// All connect and ask in one instant, round by round: a wake-up that gets lost leaves somebody waiting.
void AskAtOnce(int client, std::barrier<>& barrier) {
  Ids ids(client);
  for (int round = 0; round < options.rounds; ++round) {
    barrier.arrive_and_wait();
    const std::string id = ids.Next();
    Connection connection;
    if (!connection.connected()) {
      ++counts.refused;
      continue;
    }
    connection.Send(MakeRequest(id));
    std::string received;
    const auto until = Clock::now() + milliseconds(options.patience);
    while (AnswerLength(received) == 0 && connection.Receive(received, until)) {
    }
    ++counts.checked;
    if (AnswerLength(received) == 0) {
      Report(counts.missing, "missing: the answer for " + id + ", but: " + received);
    } else if (!IsAnswerTo(id, received)) {
      Report(counts.wrong, "wrong: asked for " + id + ", got: " + received);
    }
  }
}

void Race() {
  std::vector<std::thread> threads;
  if (options.rounds > 0) {
    std::barrier<> barrier(options.checking);
    for (int i = 0; i < options.checking; ++i) {
      threads.emplace_back([i, &barrier] { AskAtOnce(i, barrier); });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    return;
  }
  int client = 0;
  for (int i = 0; i < options.aborting; ++i) {
    threads.emplace_back(Abort, client++);
  }
  for (int i = 0; i < options.checking; ++i) {
    threads.emplace_back(Check, client++);
  }
  for (int i = 0; i < options.silent; ++i) {
    threads.emplace_back(Listen, client++);
  }
  const auto until = Clock::now() + milliseconds(static_cast<long>(options.seconds * 1000));
  while (!stop && Clock::now() < until) {
    std::this_thread::sleep_for(milliseconds(20));
  }
  stop = true;
  for (std::thread& thread : threads) {
    thread.join();
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Clients that race for answers; asks for PATH and an id behind it");
  app.add_option("port", options.port)->required();
  app.add_option("--address", options.address, "an IPv4 address");
  app.add_option("--path", options.path);
  app.add_option("--field", options.fields, "a header field, \"Name: value\"; repeatable");
  app.add_option("--seconds", options.seconds);
  app.add_option("--aborting", options.aborting, "clients that leave before their answer");
  app.add_option("--checking", options.checking, "clients that check their answers");
  app.add_option("--silent", options.silent, "clients that ask nothing");
  app.add_option("--requests", options.requests, "of a checking client on one connection");
  app.add_option("--rounds", options.rounds, "the checking clients connect all at once, so often");
  app.add_option("--patience", options.patience, "milliseconds until an answer counts as missing");
  app.add_option("--silence", options.silence, "milliseconds that a silent client listens");
  app.add_flag("--stop-at-wrong", options.stop_at_wrong, "end at the first wrong answer");
  app.add_flag("--tls", options.tls);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  Race();
  std::printf(
      "{\"aborted\":%ld,\"checked\":%ld,\"silent\":%ld,\"refused\":%ld,\"wrong\":%ld,"
      "\"unsolicited\":%ld,\"missing\":%ld}\n",
      counts.aborted.load(), counts.checked.load(), counts.silent.load(), counts.refused.load(),
      counts.wrong.load(), counts.unsolicited.load(), counts.missing.load());
  return counts.wrong + counts.unsolicited + counts.missing > 0 ? 1 : 0;
}
