#include "service/key_messages.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

namespace bulla::service {
namespace {

using database::Outcome;

constexpr std::chrono::milliseconds kAfterOutage = std::chrono::seconds(1);
constexpr std::string_view kMayNot = "42501";

}  // namespace

KeyMessages::KeyMessages(LanePool lane, std::chrono::milliseconds every, Log& log)
    : every_(every),
      log_(log),
      job_(lane, KeyMessagesStatement(), {}, [this](Outcome outcome) { return Take(outcome); }) {}

std::vector<Sample> KeyMessages::sealed() const {
  std::vector<Sample> samples;
  const std::lock_guard lock(mutex_);
  for (const Count& count : counts_) {
    if (count.sealed)
      samples.push_back({{{"key", count.key}, {"version", count.version}}, *count.sealed});
  }
  return samples;
}

std::vector<Sample> KeyMessages::budget() const {
  std::vector<Sample> samples;
  const std::lock_guard lock(mutex_);
  for (const Count& count : counts_)
    samples.push_back({{{"key", count.key}, {"version", count.version}}, count.budget});
  return samples;
}

// Returns when to do it again.
std::chrono::milliseconds KeyMessages::Take(const Outcome& outcome) {
  // Where the database is away, the pool has said so.
  if (outcome.kind == Outcome::Kind::kNotRun || outcome.kind == Outcome::Kind::kUnknown)
    return std::min(every_, kAfterOutage);
  auto counts = Read(outcome);
  Tell(outcome, counts.has_value());
  const std::lock_guard lock(mutex_);
  counts_ = std::move(counts).value_or(std::vector<Count>());
  return every_;
}

// Nothing where the answer is not one.
std::optional<std::vector<KeyMessages::Count>> KeyMessages::Read(const Outcome& outcome) {
  if (outcome.kind != Outcome::Kind::kAnswer || outcome.row.size() != 1) return std::nullopt;
  std::vector<Count> counts;
  if (!outcome.row[0]) return counts;  // there are no such keys
  const nlohmann::json answer = nlohmann::json::parse(*outcome.row[0], nullptr, false);
  if (!answer.is_array()) return std::nullopt;
  for (const nlohmann::json& row : answer) {
    const bool right = row.is_array() && row.size() == 4 && row[0].is_string() &&
                       row[1].is_number_integer() && (row[2].is_null() || row[2].is_number()) &&
                       row[3].is_number();
    if (!right) return std::nullopt;
    counts.push_back({row[0], row[1].dump(),
                      row[2].is_null() ? std::nullopt : std::optional<double>(row[2]), row[3]});
  }
  return counts;
}

void KeyMessages::Tell(const Outcome& outcome, bool well) {
  std::optional<std::string> trouble;
  if (!well) trouble = outcome.error.sqlstate + outcome.error.message;
  if (trouble == std::exchange(trouble_, trouble)) return;
  if (well)
    return log_.Write(Level::kInfo, "the message counts of keys are read again and in /metrics");
  log_.Write(Level::kWarning, "the message counts of keys cannot be read, and are not in /metrics",
             {{"sqlstate", outcome.error.sqlstate},
              {"error", outcome.error.message},
              {"hint", outcome.error.sqlstate == kMayNot
                           ? "bullad init grants what is missing; keys.messages_every = \"0\" "
                             "ends the attempts."
                           : outcome.error.hint}});
}

}  // namespace bulla::service
