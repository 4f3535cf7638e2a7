// Pistache's own endpoint and router, used as their documentation shows, with the routes of
// core_server: what the tests of the defects are held against, since each must fail here.
#include <pistache/endpoint.h>
#include <pistache/router.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "frontend/later.h"

namespace {

using Pistache::Http::Code;
using Pistache::Http::ResponseWriter;
using Pistache::Rest::Request;
using Pistache::Rest::Route;
using Pistache::Rest::Routes::Get;
using Pistache::Rest::Routes::Post;

std::string IdBody(const std::string& id) { return R"({"id":")" + id + R"("})"; }

void AddRoutes(Pistache::Rest::Router& router, bulla::test::Later& later) {
  Get(router, "/id/:id", [](const Request& request, ResponseWriter response) {
    response.send(Code::Ok, IdBody(request.param(":id").as<std::string>()));
    return Route::Result::Ok;
  });
  Get(router, "/async/:id", [&later](const Request& request, ResponseWriter response) {
    later.Do(std::chrono::milliseconds(0),
             [id = request.param(":id").as<std::string>(),
              writer = std::make_shared<ResponseWriter>(std::move(response))] {
               writer->send(Code::Ok, IdBody(id));
             });
    return Route::Result::Ok;
  });
  Get(router, "/slow/:ms/:id", [&later](const Request& request, ResponseWriter response) {
    later.Do(std::chrono::milliseconds(request.param(":ms").as<int>()),
             [id = request.param(":id").as<std::string>(),
              writer = std::make_shared<ResponseWriter>(std::move(response))] {
               writer->send(Code::Ok, IdBody(id));
             });
    return Route::Result::Ok;
  });
  Get(router, "/big/:bytes", [](const Request& request, ResponseWriter response) {
    response.send(Code::Ok, std::string(request.param(":bytes").as<std::size_t>(), 'x'));
    return Route::Result::Ok;
  });
  Post(router, "/echo", [](const Request& request, ResponseWriter response) {
    response.send(Code::Ok, R"({"bodyBytes":)" + std::to_string(request.body().size()) + "}");
    return Route::Result::Ok;
  });
  Get(router, "/throw", [](const Request&, ResponseWriter) -> Route::Result {
    throw std::runtime_error("a secret");
  });
  Get(router, "/throw-int", [](const Request&, ResponseWriter) -> Route::Result { throw 42; });
  Get(router, "/throw-after/:id", [](const Request& request, ResponseWriter response) {
    response.send(Code::Ok, IdBody(request.param(":id").as<std::string>()))
        .then([](ssize_t) { throw std::runtime_error("after the answer"); },
              [](const std::exception_ptr&) {});
    return Route::Result::Ok;
  });
}

}  // namespace

int main(int argc, char** argv) {
  int threads = 1;
  std::size_t body = 1024 * 1024;
  int head_time = 60'000;
  std::string certificate;
  std::string key;
  CLI::App app("Pistache's stock endpoint, for comparison");
  app.add_option("--threads", threads);
  app.add_option("--body", body);
  app.add_option("--head-time", head_time);
  app.add_option("--certificate", certificate);
  app.add_option("--key", key);
  CLI11_PARSE(app, argc, argv);

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  bulla::test::Later later;
  Pistache::Rest::Router router;
  AddRoutes(router, later);
  Pistache::Http::Endpoint endpoint({Pistache::IP::loopback(), Pistache::Port(0)});
  endpoint.init(Pistache::Http::Endpoint::options()
                    .threads(threads)
                    .flags(Pistache::Tcp::Options::ReuseAddr | Pistache::Tcp::Options::NoDelay)
                    .backlog(1024)
                    .maxRequestSize(body)
                    .headerTimeout(std::chrono::milliseconds(head_time)));
  endpoint.setHandler(router.handler());
  if (!certificate.empty()) {
    endpoint.useSSL(certificate, key);
  }
  endpoint.serveThreaded();
  std::cout << "127.0.0.1:" << endpoint.getPort().toString() << std::endl;

  int received = 0;
  sigwait(&signals, &received);
  endpoint.shutdown();
}
