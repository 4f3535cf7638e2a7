#include "service/regular_job.h"

#include <future>
#include <memory>
#include <utility>

namespace bulla::service {

using database::Outcome;

RegularJob::RegularJob(LanePool lane, std::size_t statement, std::vector<const char*> parameters,
                       Take take)
    : lane_(lane),
      statement_(statement),
      parameters_(std::move(parameters)),
      take_(std::move(take)),
      thread_([this] { Work(); }) {}

RegularJob::~RegularJob() {
  Stop();
  thread_.join();
}

void RegularJob::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

void RegularJob::Work() {
  while (!stopping_) {
    Outcome outcome = Call();
    if (stopping_) return;
    const std::chrono::milliseconds pause = take_(std::move(outcome));
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, pause, [this] { return stopping_.load(); });
  }
}

Outcome RegularJob::Call() {
  const auto outcome = std::make_shared<std::promise<Outcome>>();
  std::future<Outcome> known = outcome->get_future();
  database::Job job;
  job.statement = statement_;
  job.parameters = parameters_;
  job.deadline = database::Clock::now() + lane_.deadline;
  job.unwanted = [this] { return stopping_.load(); };
  job.done = [outcome](Outcome came) { outcome->set_value(std::move(came)); };
  if (lane_.pool.Submit(std::move(job)) != database::Pool::Submitted::kYes) return {};
  return known.get();
}

}  // namespace bulla::service
