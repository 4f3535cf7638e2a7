// Reads a file or a pipe of any length in blocks of whole lines, and digests it, in a thread of its own: what the
// blocks are looked at for costs about as much.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "core/sha256.h"

namespace bulla::verify {

class BlockReader {
 public:
  // A line longer than this is refused: it would have to be held in memory.
  static constexpr size_t kMaxLine = size_t{1} << 31;

  // The descriptor stays the caller's, and open as long as this lives.
  explicit BlockReader(int descriptor, size_t block_size = size_t{1} << 17);
  ~BlockReader();
  BlockReader(const BlockReader&) = delete;
  BlockReader& operator=(const BlockReader&) = delete;

  // The next block, valid until the next call. Each ends with a line feed; the last one perhaps not. False at the end.
  bool Next(std::string_view* block);

  // Once Next was false. What went wrong, if anything did.
  const std::optional<std::string>& error() const { return error_; }
  // Of all lines but the last one. Nothing where SHA-256 failed.
  const std::optional<Sha256Digest>& digest() const { return digest_; }
  uint64_t bytes_read() const { return bytes_taken_; }

 private:
  static constexpr size_t kMostWaiting = 4;  // blocks

  void Run(int descriptor);
  bool ReadMore(int descriptor, std::string* buffer);
  bool Hand(std::string block);
  bool stopped();

  const size_t block_size_;
  std::string current_;
  uint64_t bytes_taken_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> waiting_;
  bool done_ = false;
  bool stop_ = false;
  std::optional<std::string> error_;
  std::optional<Sha256Digest> digest_;
  std::thread thread_;  // the last member: it uses all others
};

}  // namespace bulla::verify
