#include "database/pool.h"

#include <algorithm>
#include <exception>
#include <new>
#include <random>
#include <utility>

namespace bulla::database {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTryIdle{1'000};   // how often an idle connection is tried
constexpr milliseconds kPingTime{2'000};  // for it to answer
constexpr milliseconds kFirstPause{100};  // between two attempts to connect
constexpr milliseconds kLongestPause{5'000};

// Half to all of it, so that workers do not come in step when the server is back.
milliseconds Jittered(milliseconds pause) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return milliseconds(
      std::uniform_int_distribution<milliseconds::rep>(pause.count() / 2, pause.count())(random));
}

void NotRun(std::deque<Job> jobs) {
  for (Job& job : jobs) job.done(Outcome{Outcome::Kind::kNotRun});
}

}  // namespace

Pool::Pool(PoolOptions options) : options_(std::move(options)) {
  for (std::size_t i = 0; i < options_.connections; ++i) threads_.emplace_back([this] { Work(); });
}

Pool::~Pool() { Stop(); }

Pool::Submitted Pool::Submit(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || connections_ == 0) return Submitted::kDown;
    if (queue_.size() >= options_.queue) return Submitted::kFull;
    queue_.push_back(std::move(job));
  }
  changed_.notify_one();
  return Submitted::kYes;
}

PoolCounts Pool::counts() const {
  const std::lock_guard lock(mutex_);
  return {connections_, std::min<std::size_t>(busy_, connections_), queue_.size()};
}

void Pool::Stop() {
  std::deque<Job> waiting;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    waiting.swap(queue_);
  }
  changed_.notify_all();
  NotRun(std::move(waiting));
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Pool::Work() {
  milliseconds pause = kFirstPause;
  while (!stopping_) {
    std::optional<Connection> connection;
    try {
      connection.emplace(options_.connection, [this] { return stopping_.load(); });
    } catch (const std::exception& reason) {
      Trouble(reason.what());
      Pause(Jittered(pause));
      pause = std::min(2 * pause, kLongestPause);
      continue;
    }
    pause = kFirstPause;
    Came();
    try {
      Serve(*connection);
    } catch (const std::exception& reason) {  // no memory: what was under way is let go of
      Trouble(reason.what());
    }
    Went();
  }
}

void Pool::Serve(Connection& connection) {
  while (connection.usable() && !stopping_) {
    std::optional<Job> job = Next();
    if (job)
      Run(connection, std::move(*job));
    else
      connection.Ping(kPingTime);
  }
}

void Pool::Run(Connection& connection, Job job) {
  const struct Busy {
    explicit Busy(std::atomic<std::size_t>& counter) : count(counter) { ++count; }
    ~Busy() { --count; }
    std::atomic<std::size_t>& count;
  } busy(busy_);
  const auto unwanted = [&] { return stopping_ || (job.unwanted && job.unwanted()); };
  Outcome outcome{Outcome::Kind::kDeadline};
  if (Clock::now() < job.deadline && !unwanted()) {
    try {
      outcome = connection.Call(job.statement, job.parameters, job.deadline, unwanted, job.binary);
    } catch (const std::bad_alloc&) {
      connection.GiveUp();
      outcome.kind = Outcome::Kind::kUnknown;
    }
  }
  if (outcome.kind == Outcome::Kind::kNotRun && PutBack(job)) return;
  job.done(std::move(outcome));
}

// Another connection may be fine. Where this was the last one, Went() lets the job come to kNotRun.
bool Pool::PutBack(Job& job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    queue_.push_front(std::move(job));
  }
  changed_.notify_one();
  return true;
}

// The next job, or nothing when none came for a while.
std::optional<Job> Pool::Next() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kTryIdle, [this] { return stopping_ || !queue_.empty(); });
  if (queue_.empty()) return std::nullopt;
  std::optional<Job> job(std::move(queue_.front()));
  queue_.pop_front();
  return job;
}

void Pool::Came() {
  bool well_again;
  {
    const std::lock_guard lock(mutex_);
    ++connections_;
    well_again = !stopping_ && (connections_ == 1 || !trouble_.empty());
    trouble_.clear();
  }
  if (well_again) options_.report(true, "the database is reached");
}

void Pool::Went() {
  std::deque<Job> waiting;
  bool news;
  {
    const std::lock_guard lock(mutex_);
    if (--connections_ == 0) waiting.swap(queue_);
    news = trouble_.empty();
  }
  if (news) Trouble("a connection to the database was lost or given up");
  NotRun(std::move(waiting));
}

// An outage is told once, and again when its reason changes.
void Pool::Trouble(const std::string& what) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || std::exchange(trouble_, what) == what) return;
  }
  options_.report(false, what);
}

void Pool::Pause(milliseconds time) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [this] { return stopping_.load(); });
}

}  // namespace bulla::database
