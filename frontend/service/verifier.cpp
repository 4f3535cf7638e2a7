#include "service/verifier.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace bulla::service {
namespace {

using database::Outcome;

constexpr const char* kRequestId = "regular-verification";
constexpr std::chrono::milliseconds kAfterOutage = std::chrono::seconds(1);
constexpr std::chrono::milliseconds kAfterFailure = std::chrono::minutes(1);

}  // namespace

Verifier::Verifier(LanePool lane, std::chrono::milliseconds every, Log& log)
    : every_(every),
      log_(log),
      job_(lane, VerifyAllStatement(), {kRequestId},
           [this](Outcome outcome) { return Take(outcome); }) {}

std::optional<double> Verifier::integrity() const {
  const int sound = sound_;
  return sound < 0 ? std::nullopt : std::optional<double>(sound);
}

std::optional<double> Verifier::verified_at() const {
  return sound_ < 0 ? std::nullopt : std::optional<double>(verified_at_);
}

std::chrono::milliseconds Verifier::Take(const Outcome& outcome) {
  // Where the database is away, the pool has said so.
  if (outcome.kind == Outcome::Kind::kNotRun) return std::min(every_, kAfterOutage);
  if (outcome.kind == Outcome::Kind::kAnswer && outcome.row.size() == 2 && outcome.row[1] &&
      Judge(*outcome.row[1]))
    return every_;
  log_.Write(Level::kWarning, "the audit events could not be verified; it is tried again",
             {{"request_id", kRequestId},
              {"sqlstate", outcome.error.sqlstate},
              {"error", outcome.error.message}});
  return std::min(every_, kAfterFailure);
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
