#include "witness/background.h"

#include <algorithm>
#include <utility>

namespace bulla::witness {
namespace {

constexpr std::chrono::seconds kFirstPause{1};
constexpr std::chrono::seconds kLongestPause{300};

}  // namespace

Background::Background(std::string name, service::Log& log, Work work)
    : name_(std::move(name)),
      log_(log),
      work_(std::move(work)),
      thread_([this](std::stop_token stop) { Run(std::move(stop)); }) {}

Background::~Background() { Stop(); }

void Background::Stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Background::Wake() {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
  }
  changed_.notify_one();
}

void Background::Run(std::stop_token stop) {
  std::chrono::seconds pause = kFirstPause;
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return wanted_; })) return;
      wanted_ = false;
    }
    std::string failure = work_(stop);
    if (stop.stop_requested()) return;
    Note(failure);
    if (failure.empty()) {
      pause = kFirstPause;
      continue;
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, pause, [] { return false; });
    pause = std::min(2 * pause, kLongestPause);
    wanted_ = true;
  }
}

void Background::Note(const std::string& failure) {
  if (failure.empty()) {
    done_at_ = std::chrono::duration_cast<std::chrono::seconds>(
                   std::chrono::system_clock::now().time_since_epoch())
                   .count();
    if (failing_) log_.Write(service::Level::kInfo, "published again", {{"target", name_}});
  } else {
    ++failures_;
    if (!failing_)
      log_.Write(service::Level::kWarning, "cannot publish, and tries again",
                 {{"target", name_}, {"error", failure}});
  }
  failing_ = !failure.empty();
}

}  // namespace bulla::witness
