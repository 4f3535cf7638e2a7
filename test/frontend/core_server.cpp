// The HTTP core with handlers that say what reached them, for the tests to drive.
//
// The first line of output is the addresses listened on. SIGUSR1 prints "counts {…}", SIGHUP reads the
// TLS files again and prints "reloaded" or "kept: …", SIGTERM drains. Exit codes: 0, drained; 1,
// something was cut off; 2, the server cannot start.
#include <openssl/evp.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>

#include "frontend/later.h"
#include "http/problem.h"
#include "http/router.h"
#include "http/server.h"

namespace {

using bulla::http::Answered;
using bulla::http::Exchange;
using bulla::http::Parameters;
using bulla::http::Response;
using bulla::http::Router;
using bulla::test::Later;
using nlohmann::json;
using std::chrono::milliseconds;

std::string Print(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string Sha256(const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4];
    hex += "0123456789abcdef"[digest[i] & 0xF];
  }
  return hex;
}

void AnswerId(Exchange& exchange, const std::string& id) {
  exchange.Answer({.status = 200, .body = Print({{"id", id}}), .fields = {}});
}

std::optional<int> Number(const std::string& text) {
  if (text.empty() || text.size() > 9 ||
      text.find_first_not_of("0123456789") != std::string::npos) {
    return std::nullopt;
  }
  return std::stoi(text);
}

void RefuseNumber(Exchange& exchange) {
  exchange.Answer(bulla::http::MakeProblem(
      {.status = 400, .detail = "not a number", .request_id = exchange.request().id}));
}

// All that a handler is told of a request, so that a test can compare it with what was sent.
Response Echo(const Exchange& exchange, const Parameters& parameters) {
  const bulla::http::Request& request = exchange.request();
  json fields = json::array();
  for (const auto& [name, value] : request.fields) {
    fields.push_back({name, value});
  }
  return {.status = 200,
          .body = Print({{"method", request.method},
                         {"path", request.path},
                         {"query", request.query},
                         {"parameters", parameters},
                         {"fields", fields},
                         {"requestId", request.id},
                         {"client", request.client},
                         {"bodyBytes", request.body.size()},
                         {"bodySha256", Sha256(request.body)}}),
          .fields = {}};
}

void AddRoutes(Router& router, Later& later) {
  const auto echo = [](const std::shared_ptr<Exchange>& exchange, const Parameters& parameters) {
    exchange->Answer(Echo(*exchange, parameters));
  };
  router.Add("GET", "/echo", echo);
  router.Add("POST", "/echo", echo);
  router.Add("GET", "/echo/{name}", echo);
  router.Add("GET", "/id/{id}", [](const std::shared_ptr<Exchange>& exchange, Parameters given) {
    AnswerId(*exchange, given["id"]);
  });
  router.Add("GET", "/async/{id}",
             [&later](const std::shared_ptr<Exchange>& exchange, Parameters given) {
               later.Do(milliseconds(0), [exchange, id = given["id"]] { AnswerId(*exchange, id); });
             });
  const auto slow = [&later](const std::shared_ptr<Exchange>& exchange, Parameters given) {
    const std::optional<int> time = Number(given["ms"]);
    if (!time) {
      RefuseNumber(*exchange);
      return;
    }
    later.Do(milliseconds(*time), [exchange, id = given["id"]] { AnswerId(*exchange, id); });
  };
  router.Add("GET", "/slow/{ms}/{id}", slow);
  router.Add("POST", "/slow/{ms}/{id}", slow);
  router.Add(
      "GET", "/big/{bytes}", [](const std::shared_ptr<Exchange>& exchange, Parameters given) {
        const std::optional<int> bytes = Number(given["bytes"]);
        if (!bytes) {
          RefuseNumber(*exchange);
          return;
        }
        // A pattern that shows a piece that is missing, there twice or in another place.
        std::string body;
        body.reserve(static_cast<std::size_t>(*bytes) + 8);
        for (int at = 0; at < *bytes; at += 8) {
          std::string piece = std::to_string(10'000'000 + at / 8);
          body.append(piece, 0, 8);
        }
        body.resize(static_cast<std::size_t>(*bytes));
        exchange->Answer(
            {.status = 200, .body = std::move(body), .content_type = "text/plain", .fields = {}});
      });
  router.Add("GET", "/throw", [](const std::shared_ptr<Exchange>&, const Parameters&) {
    throw std::runtime_error("a secret");
  });
  router.Add("GET", "/throw-int",
             [](const std::shared_ptr<Exchange>&, const Parameters&) { throw 42; });
  const auto echo_id = [](const std::shared_ptr<Exchange>& exchange, Parameters given) {
    AnswerId(*exchange, given["id"]);
  };
  router.Add("GET", "/throw-after/{id}", echo_id);  // see OnAnswered
  router.Add("GET", "/throw-after-int/{id}", echo_id);
  router.Add("GET", "/forget", [&later](std::shared_ptr<Exchange> exchange, const Parameters&) {
    later.Do(milliseconds(10), [forgotten = std::move(exchange)] {});
  });
  router.Add(
      "GET", "/twice/{id}", [&later](const std::shared_ptr<Exchange>& exchange, Parameters given) {
        for (int i = 0; i < 2; ++i) {
          later.Do(milliseconds(0), [exchange, id = given["id"]] { AnswerId(*exchange, id); });
        }
      });
  // A handler that tries to smuggle a field of its own into the answer.
  router.Add("GET", "/field/{value}",
             [](const std::shared_ptr<Exchange>& exchange, Parameters given) {
               exchange->Answer({.status = 200, .fields = {{"X-Value", given["value"]}}});
             });
}

// Prints lines from several threads.
class Output {
 public:
  void Print(const std::string& line) {
    const std::lock_guard lock(mutex_);
    std::cout << line << std::endl;
  }

 private:
  std::mutex mutex_;
};

void OnAnswered(const Answered& answered, bool log, Output& output) {
  if (log) {
    output.Print("answered " + Print({{"requestId", answered.request_id},
                                      {"client", answered.client},
                                      {"method", answered.method},
                                      {"path", answered.path},
                                      {"route", answered.route},
                                      {"status", answered.status},
                                      {"requestBytes", answered.request_bytes},
                                      {"responseBytes", answered.response_bytes},
                                      {"microseconds", answered.duration.count()}}));
  }
  if (answered.path.starts_with("/throw-after/")) {
    throw std::runtime_error("after the answer");
  }
  if (answered.path.starts_with("/throw-after-int/")) {
    throw 42;
  }
}

std::string PrintCounts(const bulla::http::ServerCounts& counts) {
  return "counts " + Print({{"connections", counts.connections},
                            {"inFlight", counts.in_flight},
                            {"heldBytes", counts.held_bytes},
                            {"handshakes", counts.handshakes},
                            {"accepted", counts.accepted},
                            {"refused", counts.refused}});
}

void AddTime(CLI::App& app, const std::string& name, milliseconds& time) {
  app.add_option_function<int>(name, [&time](const int& given) { time = milliseconds(given); });
}

}  // namespace

int main(int argc, char** argv) {
  bulla::http::ServerOptions options;
  bulla::http::Limits& limits = options.limits;
  int grace = 10'000;
  bool log = false;
  CLI::App app("The HTTP core, for tests; times are in milliseconds");
  app.add_option("--listen", options.listen);
  app.add_option("--threads", options.io_threads);
  app.add_option("--target", limits.target);
  app.add_option("--head", limits.head);
  app.add_option("--fields", limits.fields);
  app.add_option("--body", limits.body);
  app.add_option("--connections", limits.connections);
  app.add_option("--connections-per-address", limits.connections_per_address);
  app.add_option("--held-bytes", limits.held_bytes);
  AddTime(app, "--tls-handshake", limits.tls_handshake);
  AddTime(app, "--head-time", limits.head_time);
  AddTime(app, "--body-time", limits.body_time);
  AddTime(app, "--idle-time", limits.idle_time);
  AddTime(app, "--write-time", limits.write_time);
  AddTime(app, "--linger-time", limits.linger_time);
  app.add_option("--certificate", options.tls_files.certificate);
  app.add_option("--key", options.tls_files.key);
  app.add_option("--client-ca", options.tls_files.client_ca);
  app.add_option("--trusted", options.trusted_proxies);
  app.add_option("--grace", grace, "for draining");
  app.add_flag("--log", log, "print a line for each answer");
  CLI11_PARSE(app, argc, argv);
  options.tls = !options.tls_files.certificate.empty();
  if (options.listen.empty()) {
    options.listen = {"127.0.0.1:0"};
  }

  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGHUP, SIGUSR1}) {
    sigaddset(&signals, number);
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  Output output;
  Later later;
  Router router;
  AddRoutes(router, later);
  options.handler = [&router](std::shared_ptr<Exchange> exchange) {
    router.Route(std::move(exchange));
  };
  options.on_answered = [log, &output](const Answered& answered) {
    OnAnswered(answered, log, output);
  };
  std::unique_ptr<bulla::http::Server> server;
  try {
    server = std::make_unique<bulla::http::Server>(std::move(options));
  } catch (const std::runtime_error& error) {
    std::cerr << error.what() << std::endl;
    return 2;
  }
  std::string addresses;
  for (const std::string& address : server->addresses()) {
    addresses += (addresses.empty() ? "" : " ") + address;
  }
  output.Print(addresses);

  for (int received = 0; received != SIGTERM;) {
    sigwait(&signals, &received);
    if (received == SIGUSR1) {
      output.Print(PrintCounts(server->counts()));
    } else if (received == SIGHUP) {
      try {
        server->ReloadTls();
        output.Print("reloaded");
      } catch (const std::runtime_error& error) {
        output.Print(std::string("kept: ") + error.what());
      }
    }
  }
  const bool complete = server->Drain(milliseconds(grace));
  output.Print(PrintCounts(server->counts()));
  return complete ? 0 : 1;
}
