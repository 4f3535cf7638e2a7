#include "service/regular_job.h"

#include <future>
#include <memory>
#include <utility>

namespace bulla::service {

using database::Outcome;

Outcome CallAndWait(LanePool lane, std::size_t statement, std::vector<const char*> parameters,
                    std::function<bool()> unwanted) {
  const auto outcome = std::make_shared<std::promise<Outcome>>();
  std::future<Outcome> known = outcome->get_future();
  database::Job job;
  job.statement = statement;
  job.parameters = std::move(parameters);
  job.deadline = database::Clock::now() + lane.deadline;
  job.unwanted = std::move(unwanted);
  job.done = [outcome](Outcome came) { outcome->set_value(std::move(came)); };
  if (lane.pool.Submit(std::move(job)) != database::Pool::Submitted::kYes) return {};
  return known.get();
}

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
    Outcome outcome =
        CallAndWait(lane_, statement_, parameters_, [this] { return stopping_.load(); });
    if (stopping_) return;
    const std::chrono::milliseconds pause = take_(std::move(outcome));
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, pause, [this] { return stopping_.load(); });
  }
}

}  // namespace bulla::service
