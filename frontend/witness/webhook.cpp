#include "witness/webhook.h"

#include <stdexcept>
#include <utility>

namespace bulla::witness {

client::HttpClient MakeClient(const client::Rules& rules) {
  Result<client::HttpClient> made = client::HttpClient::Create(rules);
  if (!made.ok()) throw std::runtime_error(made.error().message);
  return std::move(made).value();
}

Webhook::Webhook(std::string name, std::string url, const client::Rules& rules, service::Log& log)
    : url_(std::move(url)),
      client_(MakeClient(rules)),
      background_(std::move(name), log, [this](std::stop_token stop) { return Work(stop); }) {}

void Webhook::Send(const std::string& log_name, std::string note) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.insert_or_assign(log_name, std::move(note));
  }
  background_.Wake();
}

std::string Webhook::Work(std::stop_token stop) {
  while (!stop.stop_requested()) {
    std::map<std::string, std::string>::node_type next;
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.empty()) return {};
      next = waiting_.extract(waiting_.begin());
    }
    const Result<client::Reply> reply = client_.Ask({.url = url_, .body = &next.mapped()}, stop);
    if (reply.ok() && reply.value().status / 100 == 2) continue;
    const std::lock_guard lock(mutex_);
    waiting_.insert(std::move(next));  // unless there is a newer one by now
    return reply.ok() ? "it answers " + std::to_string(reply.value().status)
                      : reply.error().message;
  }
  return {};
}

}  // namespace bulla::witness
