#include "service/witness_asker.h"

#include <algorithm>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "core/cosignature.h"
#include "core/decimal.h"

namespace bulla::service {
namespace {

using database::Outcome;
using std::chrono::milliseconds;

constexpr milliseconds kAfterOutage = std::chrono::seconds(1);
constexpr milliseconds kLongestPause = std::chrono::seconds(10);
constexpr std::size_t kLongestAnswer = 64 * 1024;
constexpr int kMostAttempts = 3;  // a witness says how far it is, and others may ask meanwhile
constexpr std::string_view kMayNot = "42501";
constexpr std::string_view kCorrupted = "XX001";
constexpr uint64_t kMostLeaves = (uint64_t{1} << 63) - 1;
constexpr const char* kSizeType = "text/x.tlog.size";

client::HttpClient MakeClient(const Config::Witnesses& settings) {
  auto client = client::HttpClient::Create({.ca_file = settings.ca_file,
                                            .connect_limit = settings.deadline,
                                            .limit = settings.deadline,
                                            .answer_limit = kLongestAnswer});
  if (!client.ok()) throw std::runtime_error(client.error().message);
  return std::move(client).value();
}

std::string UrlOf(const std::string& prefix) {
  return prefix + (prefix.ends_with('/') ? "" : "/") + "add-checkpoint";
}

// What 409 says that the witness has: a size on a line.
std::optional<std::string> SizeIn(const client::Reply& reply) {
  if (!reply.content_type.starts_with(kSizeType) || !reply.body.ends_with('\n'))
    return std::nullopt;
  std::string text = reply.body.substr(0, reply.body.size() - 1);
  if (!ParseDecimal(text, kMostLeaves)) return std::nullopt;
  return text;
}

// One line of what somebody else wrote.
std::string FirstLineOf(const std::string& body) {
  std::string line = body.substr(0, std::min(body.find('\n'), std::size_t{200}));
  std::replace_if(
      line.begin(), line.end(), [](char byte) { return byte < 0x20 || byte == 0x7F; }, '?');
  return line;
}

// The checkpoint of the request with those of the lines that are this key's. An error where none is, or one is wrong.
Result<std::string> Cosigned(const std::string& body, const std::string& lines,
                             const std::string& vkey) {
  const auto key = VerifierKey::Parse(vkey);
  if (!key.ok()) return key.error();
  auto note = ParseNote(std::string_view(body).substr(body.find("\n\n") + 2));
  if (!note.ok()) return note.error();
  const auto answered = ParseSignatureLines(lines);
  if (!answered.ok()) return answered.error();
  for (const NoteSignature& line : answered.value())
    if (line.name == key.value().name() && line.id == key.value().id())
      note.value().signatures.push_back(line);
  const auto time = CosignedAt(note.value(), key.value());
  if (!time.ok()) return time.error();
  if (!time.value())
    return Error{Code::kAuthenticationFailed, "the answer is not signed by the witness"};
  return FormatNote(note.value());
}

}  // namespace

WitnessAsker::WitnessAsker(LanePool lane, const Config::Witnesses& settings, Log& log)
    : every_(settings.every),
      every_text_(std::to_string(settings.every.count()) + " milliseconds"),
      lane_(lane),
      log_(log),
      client_(MakeClient(settings)),
      job_(lane, WitnessesToAskStatement(), {every_text_.c_str()},
           [this](Outcome outcome) { return Take(outcome); }) {}

void WitnessAsker::Stop() {
  stop_.request_stop();
  job_.Stop();
}

std::vector<Sample> WitnessAsker::heard_at() const {
  return Samples([](const State& state) { return state.heard_at; });
}
std::vector<Sample> WitnessAsker::failures() const {
  return Samples([](const State& state) { return state.failures; });
}
std::vector<Sample> WitnessAsker::disagrees() const {
  return Samples([](const State& state) { return state.disagrees ? 1.0 : 0.0; });
}

std::vector<Sample> WitnessAsker::Samples(double (*value)(const State& state)) const {
  std::vector<Sample> samples;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, state] : states_) samples.push_back({{{"witness", name}}, value(state)});
  return samples;
}

// Returns when to do it again.
milliseconds WitnessAsker::Take(const Outcome& outcome) {
  // Where the database is away, the pool has said so.
  if (outcome.kind == Outcome::Kind::kNotRun || outcome.kind == Outcome::Kind::kUnknown)
    return kAfterOutage;
  const auto witnesses = Read(outcome);
  if (!witnesses) {
    if (!std::exchange(may_not_, true))
      log_.Write(Level::kWarning, "it cannot be read which witnesses are to be asked",
                 {{"sqlstate", outcome.error.sqlstate},
                  {"error", outcome.error.message},
                  {"hint", outcome.error.sqlstate == kMayNot
                               ? "bullad init grants what is missing; witnesses.every = \"0\" "
                                 "ends the attempts."
                               : outcome.error.hint}});
    return kLongestPause;
  }
  may_not_ = false;
  Show(*witnesses);
  for (const Witness& witness : *witnesses) {
    if (!witness.is_due) continue;
    const Failure failure = Ask(witness);
    if (stop_.stop_requested()) break;
    Tell(witness, failure);
  }
  return std::min(every_, kLongestPause);
}

// Nothing where the answer is not one.
std::optional<std::vector<WitnessAsker::Witness>> WitnessAsker::Read(const Outcome& outcome) {
  if (outcome.kind != Outcome::Kind::kAnswer || outcome.row.size() != 1) return std::nullopt;
  std::vector<Witness> witnesses;
  if (!outcome.row[0]) return witnesses;  // there are none
  const nlohmann::json answer = nlohmann::json::parse(*outcome.row[0], nullptr, false);
  if (!answer.is_array()) return std::nullopt;
  for (const nlohmann::json& row : answer) {
    const bool right = row.is_array() && row.size() == 5 && row[0].is_string() &&
                       row[1].is_string() && row[2].is_string() && row[3].is_number() &&
                       row[4].is_boolean();
    if (!right) return std::nullopt;
    witnesses.push_back({row[0], row[1], row[2], row[3], row[4]});
  }
  return witnesses;
}

// Those that are known no longer are shown no longer.
void WitnessAsker::Show(const std::vector<Witness>& witnesses) {
  std::map<std::string, State> states;
  const std::lock_guard lock(mutex_);
  for (const Witness& witness : witnesses) {
    State& state = states[witness.name] = states_[witness.name];
    state.heard_at = witness.heard_at;
  }
  states_ = std::move(states);
}

WitnessAsker::Failure WitnessAsker::Ask(const Witness& witness) {
  std::optional<std::string> size;
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    Failure failure;
    const auto body = Call(WitnessRequestStatement(),
                           {witness.name.c_str(), size ? size->c_str() : nullptr}, &failure);
    if (!body) return failure;
    const auto reply = client_.Ask({.url = UrlOf(witness.url), .body = &*body}, stop_.get_token());
    if (!reply.ok()) return Trouble{reply.error().message};
    const client::Reply& answer = reply.value();
    if (answer.status == 200) return Keep(witness, *body, answer.body);
    const auto its_size = answer.status == 409 ? SizeIn(answer) : std::nullopt;
    if (!its_size)
      return Trouble{
          "it answers " + std::to_string(answer.status) + ": " + FirstLineOf(answer.body),
          answer.status == 422};
    size = its_size;
  }
  return Trouble{"it asks for a proof from another size each time"};
}

WitnessAsker::Failure WitnessAsker::Keep(const Witness& witness, const std::string& body,
                                         const std::string& lines) {
  const Result<std::string> note = Cosigned(body, lines, witness.vkey);
  if (!note.ok()) return Trouble{note.error().message};
  Failure failure;
  const auto kept = Call(AddCosignaturesStatement(), {note.value().c_str()}, &failure);
  if (!kept) return failure;
  return std::nullopt;
}

// The value that a call answers. Nothing where it answers NULL, too.
std::optional<std::string> WitnessAsker::Call(std::size_t statement,
                                              std::vector<const char*> parameters,
                                              Failure* failure) {
  Outcome outcome = CallAndWait(lane_, statement, std::move(parameters),
                                [this] { return stop_.stop_requested(); });
  if (outcome.kind == Outcome::Kind::kAnswer && outcome.row.size() == 1)
    return std::move(outcome.row[0]);
  *failure = Trouble{outcome.kind == Outcome::Kind::kSqlError ? outcome.error.message
                                                              : "the database gave no answer",
                     outcome.error.sqlstate == kCorrupted};
  return std::nullopt;
}

void WitnessAsker::Tell(const Witness& witness, const Failure& failure) {
  const std::lock_guard lock(mutex_);
  State& state = states_[witness.name];
  const std::string trouble = failure ? failure->what : "";
  if (failure) ++state.failures;
  state.disagrees = failure && failure->disagrees;
  if (std::exchange(state.trouble, trouble) == trouble) return;
  if (!failure)
    return log_.Write(Level::kInfo, "the witness cosigns again", {{"witness", witness.name}});
  log_.Write(failure->disagrees ? Level::kError : Level::kWarning,
             failure->disagrees ? "the log is not the one that the witness has seen"
                                : "the witness has not cosigned; it is asked again",
             {{"witness", witness.name}, {"error", failure->what}});
}

}  // namespace bulla::service
