#include "verify/block_reader.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace bulla::verify {
namespace {

constexpr int kStopInterval =
    100;  // milliseconds until a reader that waits for a pipe sees that it is to end

// Digests all that it is given but the last line, which is only known once nothing follows.
class AllButTheLastLine {
 public:
  AllButTheLastLine() { hasher_.Start(); }

  // Whole lines, or the end of all.
  void Add(std::string_view lines) {
    if (lines.empty()) return;
    hasher_.Update(AsBytes(last_));
    const size_t before = lines.size() > 1 ? lines.rfind('\n', lines.size() - 2) : lines.npos;
    const size_t start = before == lines.npos ? 0 : before + 1;
    hasher_.Update(AsBytes(lines.substr(0, start)));
    last_ = lines.substr(start);
  }
  std::optional<Sha256Digest> Finish() {
    Sha256Digest digest;
    if (!hasher_.Finish(&digest)) return {};
    return digest;
  }

 private:
  Sha256 hasher_;
  std::string last_;
};

}  // namespace

BlockReader::BlockReader(int descriptor, size_t block_size)
    : block_size_(block_size), thread_([this, descriptor] { Run(descriptor); }) {}

BlockReader::~BlockReader() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool BlockReader::Next(std::string_view* block) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !waiting_.empty() || done_; });
  if (waiting_.empty()) return false;
  current_ = std::move(waiting_.front());
  waiting_.pop_front();
  changed_.notify_all();
  *block = current_;
  bytes_taken_ += current_.size();
  return true;
}

void BlockReader::Run(int descriptor) {
  AllButTheLastLine digest;
  std::string buffer;
  while (ReadMore(descriptor, &buffer)) {
    const size_t end = buffer.rfind('\n');
    if (end == buffer.npos) {
      if (buffer.size() <= kMaxLine) continue;
      error_ = "a line is longer than 2 GB";
      break;
    }
    std::string rest = buffer.substr(end + 1);
    buffer.resize(end + 1);
    digest.Add(buffer);
    if (!Hand(std::move(buffer))) break;
    buffer = std::move(rest);
  }
  digest.Add(buffer);
  if (!buffer.empty()) Hand(std::move(buffer));
  const std::optional<Sha256Digest> finished = digest.Finish();
  const std::lock_guard lock(mutex_);
  digest_ = finished;
  done_ = true;
  changed_.notify_all();
}

// False at the end, after an error, and when it is to stop.
bool BlockReader::ReadMore(int descriptor, std::string* buffer) {
  const size_t used = buffer->size();
  buffer->resize(used + std::max(block_size_, used));
  ssize_t count = 0;
  for (;;) {
    pollfd wait{descriptor, POLLIN, 0};
    if (stopped()) break;
    if (poll(&wait, 1, kStopInterval) == 0) continue;
    count = read(descriptor, buffer->data() + used, buffer->size() - used);
    if (count >= 0 || errno != EINTR) break;
  }
  if (count < 0) error_ = std::strerror(errno);
  buffer->resize(used + static_cast<size_t>(std::max<ssize_t>(count, 0)));
  return count > 0;
}

bool BlockReader::Hand(std::string block) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_.size() < kMostWaiting || stop_; });
  if (stop_) return false;
  waiting_.push_back(std::move(block));
  changed_.notify_all();
  return true;
}

bool BlockReader::stopped() {
  const std::lock_guard lock(mutex_);
  return stop_;
}

}  // namespace bulla::verify
