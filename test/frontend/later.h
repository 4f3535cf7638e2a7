// Work that is done later, in threads that are none of a server's.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace bulla::test {

class Later {
 public:
  explicit Later(int threads = 2) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this] { Run(); });
    }
  }
  // What is not due yet is dropped.
  ~Later() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }
  Later(const Later&) = delete;
  Later& operator=(const Later&) = delete;

  void Do(std::chrono::milliseconds delay, std::function<void()> work) {
    {
      std::lock_guard lock(mutex_);
      work_.emplace(std::chrono::steady_clock::now() + delay, std::move(work));
    }
    changed_.notify_one();
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      if (work_.empty()) {
        changed_.wait(lock);
      } else if (const auto due = work_.begin()->first; due > std::chrono::steady_clock::now()) {
        changed_.wait_until(lock, due);
      } else {
        std::function<void()> work = std::move(work_.extract(work_.begin()).mapped());
        lock.unlock();
        work();
        work = nullptr;  // what it holds may call us when it is let go
        lock.lock();
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<std::chrono::steady_clock::time_point, std::function<void()>> work_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace bulla::test
