#include "service/sealer.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

namespace bulla::service {
namespace {

using database::Outcome;
using std::chrono::milliseconds;

constexpr milliseconds kLongestPause = std::chrono::seconds(10);  // where nothing can be sealed
constexpr std::string_view kMayNot = "42501";

double SteadyNow() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double UnixNow() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

// Where another bullad has sealed within most of the pause, it is not done again: two with one pause do not come to
// seal in turns.
Sealer::Sealer(LanePool lane, milliseconds every, Log& log)
    : every_(every),
      not_since_(std::to_string(every.count() * 9 / 10) + " milliseconds"),
      log_(log),
      covered_(SteadyNow()),
      job_(lane, 0, {not_since_.c_str()}, [this](Outcome outcome) { return Take(outcome); }) {}

std::string Sealer::SealRoundSql() { return "CALL bulla.seal_round($1::pg_catalog.interval)"; }

std::optional<double> Sealer::lag() const {
  if (idle_) return std::nullopt;
  return std::max(0.0, SteadyNow() - covered_);
}

std::optional<double> Sealer::sealed_at() const {
  return sealed_at_ == 0 ? std::nullopt : std::optional<double>(sealed_at_);
}

// Returns when to do it again.
milliseconds Sealer::Take(const Outcome& outcome) {
  // Where the database is away, the pool has said so.
  if (outcome.kind == Outcome::Kind::kNotRun || outcome.kind == Outcome::Kind::kUnknown)
    return std::min(every_, milliseconds(1'000));
  if (outcome.kind == Outcome::Kind::kAnswer && outcome.row.size() == 1 && outcome.row[0] &&
      Judge(*outcome.row[0]))
    return idle_ ? std::max(every_, milliseconds(1'000)) : every_;
  if (outcome.kind == Outcome::Kind::kDeadline) {
    Fail("a round took longer than database.long_deadline, or was canceled",
         "What it has sealed stays sealed; the next round goes on.");
    return every_;
  }
  if (outcome.kind == Outcome::Kind::kSqlError) {
    Fail(outcome.error.message,
         outcome.error.sqlstate == kMayNot
             ? "bullad init grants what is missing; seal.every = \"0\" ends the attempts."
             : outcome.error.hint);
  }
  return std::clamp(every_, milliseconds(0), kLongestPause);
}

// What bulla.seal_round says; false where it is not that.
bool Sealer::Judge(const std::string& answer) {
  const nlohmann::json round = nlohmann::json::parse(answer, nullptr, false);
  if (!round.is_object() || !round.contains("state") || !round["state"].is_string()) return false;
  const std::string state = round["state"];
  idle_ = state == "unnamed" || state == "standby";
  if (state == "unnamed") {
    Tell(Level::kInfo, state, "nothing is sealed: the log of the database has no name",
         {{"hint", "bulla.set_log_name('ledger.example.com/bulla') gives it one, for ever."}});
  } else if (state == "standby") {
    Tell(Level::kInfo, state, "nothing is sealed here: the database is a standby", {});
  } else if (state == "recent") {
    Covered(round.value("ago", 0.0));
  } else if (state == "sealed") {
    trees_ += round.value("grew", std::uint64_t{0});
    if (round.value("failed", 0) > 0) {
      Fail(round.value("problem", ""), "bulla.verify tells what is wrong with a ledger.");
    } else {
      Covered(round.value("seconds", 0.0));
      Tell(Level::kInfo, state, "ledgers are sealed", {});
    }
  }
  return true;
}

void Sealer::Covered(double seconds_ago) {
  covered_ = SteadyNow() - seconds_ago;
  sealed_at_ = UnixNow() - seconds_ago;
}

void Sealer::Fail(const std::string& reason, const std::string& hint) {
  ++failures_;
  Tell(Level::kWarning, "failed: " + reason, "not everything could be sealed; it is tried again",
       {{"error", reason}, {"hint", hint}});
}

void Sealer::Tell(Level level, const std::string& state, std::string_view what,
                  std::initializer_list<LogField> fields) {
  if (std::exchange(state_, state) != state) log_.Write(level, what, fields);
}

}  // namespace bulla::service
