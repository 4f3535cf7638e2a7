#include "service/line_writer.h"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace bulla::service {
namespace {

constexpr std::size_t kMostWaiting = 8192;
constexpr std::size_t kManyWaiting = 1024;  // written without collecting more
constexpr std::chrono::milliseconds kCollect{50};
constexpr int kLookMs = 250;        // whether the writer ends, while the reader takes nothing
constexpr int kLastWaitMs = 1'000;  // for the reader, when it ends

}  // namespace

LineWriter::LineWriter(int descriptor) : descriptor_(descriptor), thread_([this] { Run(); }) {}

LineWriter::~LineWriter() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void LineWriter::Add(std::string line, bool soon) {
  bool wake;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() == kMostWaiting) {
      waiting_.pop_front();
      ++dropped_;
    }
    waiting_.push_back(std::move(line));
    const bool hurry = !soon_ && (soon || waiting_.size() == kManyWaiting);
    soon_ = soon_ || hurry;
    wake = hurry || waiting_.size() == 1;
  }
  if (wake) {
    changed_.notify_one();
  }
}

void LineWriter::Run() {
  std::unique_lock lock(mutex_);
  while (!ends_ || !waiting_.empty()) {
    changed_.wait(lock, [this] { return ends_ || !waiting_.empty(); });
    changed_.wait_for(lock, kCollect, [this] { return ends_ || soon_; });
    const std::deque<std::string> lines = std::exchange(waiting_, {});
    soon_ = false;
    lock.unlock();
    std::string bytes;
    for (const std::string& line : lines) {
      bytes += line;
      bytes += '\n';
    }
    Write(bytes);
    lock.lock();
  }
}

void LineWriter::Write(std::string_view bytes) {
  while (!bytes.empty() && WaitForReader()) {
    // So many a pipe takes at once when it says that it is writable; more could wait for the reader.
    const ssize_t written =
        write(descriptor_, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
    if (written > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN) {
      return;  // nobody reads any more
    }
  }
}

bool LineWriter::WaitForReader() {
  pollfd descriptor{descriptor_, POLLOUT, 0};
  while (!given_up_) {
    const bool ends = ends_;
    if (poll(&descriptor, 1, ends ? kLastWaitMs : kLookMs) > 0) {
      return true;
    }
    given_up_ = ends;
  }
  return false;
}

}  // namespace bulla::service
