#include "service/verifier.h"

#include <algorithm>
#include <future>
#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

namespace bulla::service {
namespace {

using database::Outcome;

constexpr const char* kRequestId = "regular-verification";
constexpr std::chrono::milliseconds kAfterOutage = std::chrono::seconds(1);
constexpr std::chrono::milliseconds kAfterFailure = std::chrono::minutes(1);

}  // namespace

Verifier::Verifier(LanePool lane, std::chrono::milliseconds every, Log& log)
    : lane_(lane), every_(every), log_(log), thread_([this] { Work(); }) {}

Verifier::~Verifier() {
  Stop();
  thread_.join();
}

std::optional<double> Verifier::integrity() const {
  const int sound = sound_;
  return sound < 0 ? std::nullopt : std::optional<double>(sound);
}

std::optional<double> Verifier::verified_at() const {
  return sound_ < 0 ? std::nullopt : std::optional<double>(verified_at_);
}

void Verifier::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

void Verifier::Work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const std::chrono::milliseconds pause = Verify();
    lock.lock();
    changed_.wait_for(lock, pause, [this] { return stopping_.load(); });
  }
}

// Returns when to do it again.
std::chrono::milliseconds Verifier::Verify() {
  const Outcome outcome = Call();
  // Where the database is away, the pool has said so.
  if (outcome.kind == Outcome::Kind::kNotRun) return std::min(every_, kAfterOutage);
  if (outcome.kind == Outcome::Kind::kAnswer && outcome.row.size() == 2 && outcome.row[1] &&
      Judge(*outcome.row[1]))
    return every_;
  if (!stopping_) {
    log_.Write(Level::kWarning, "the audit events could not be verified; it is tried again",
               {{"request_id", kRequestId},
                {"sqlstate", outcome.error.sqlstate},
                {"error", outcome.error.message}});
  }
  return std::min(every_, kAfterFailure);
}

Outcome Verifier::Call() {
  const auto outcome = std::make_shared<std::promise<Outcome>>();
  std::future<Outcome> known = outcome->get_future();
  database::Job job;
  job.statement = VerifyAllStatement();
  job.parameters = {kRequestId};
  job.deadline = database::Clock::now() + lane_.deadline;
  job.unwanted = [this] { return stopping_.load(); };
  job.done = [outcome](Outcome came) { outcome->set_value(std::move(came)); };
  if (lane_.pool.Submit(std::move(job)) != database::Pool::Submitted::kYes) return {};
  return known.get();
}

// False where the answer is not one.
bool Verifier::Judge(const std::string& answer) {
  const nlohmann::json report = nlohmann::json::parse(answer, nullptr, false);
  const auto verified = report.is_object() ? report.find("verified") : report.end();
  if (verified == report.end() || !verified->is_boolean()) return false;
  verified_at_ =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  sound_ = verified->get<bool>() ? 1 : 0;
  const auto member = [&report](const char* name) {
    const nlohmann::json value = report.value(name, nlohmann::json());
    return value.is_string() ? value.get<std::string>() : value.dump();
  };
  if (sound_ == 1) {
    log_.Write(Level::kInfo, "the audit events are verified",
               {{"checked", member("checkedCount")}, {"duration_ms", member("durationMs")}});
  } else {
    log_.Write(Level::kError, "the audit events are not as they were appended",
               {{"verdict", member("verdict")},
                {"chain", member("brokenChain")},
                {"seq", member("brokenAtSeq")},
                {"event_id", member("brokenAtEventId")}});
  }
  return true;
}

}  // namespace bulla::service
