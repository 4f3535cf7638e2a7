#include "witness/peer.h"

#include <algorithm>
#include <utility>

#include "core/decimal.h"
#include "witness/webhook.h"

namespace bulla::witness {

using service::Level;

Peer::Peer(std::string name, std::string prefix, const client::Rules& rules,
           EvidenceStore& evidence, service::Log& log, std::function<PosixTime()> now)
    : prefix_(std::move(prefix)),
      client_(MakeClient(rules)),
      evidence_(evidence),
      log_(log),
      now_(std::move(now)),
      background_(std::move(name), log, [this](std::stop_token stop) { return Work(stop); }) {}

void Peer::Tell(const Step& step) {
  {
    const std::lock_guard lock(mutex_);
    Told& told = logs_[step.name];
    // The same tree once more says nothing new.
    if (!told.steps.empty() &&
        told.steps.back().request.checkpoint.size == step.request.checkpoint.size)
      return;
    told.steps.push_back(step);
    if (told.steps.size() > kMostSteps) told.steps.pop_front();
    told.pending = true;
  }
  background_.Wake();
}

std::string Peer::Work(std::stop_token stop) {
  std::vector<std::string> names;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, told] : logs_) {
      if (told.pending) names.push_back(name);
    }
  }
  std::string failure;
  for (const std::string& name : names) {
    if (std::string one = TellLog(name, stop); !one.empty()) failure = std::move(one);
  }
  return failure;
}

std::optional<AddCheckpoint> Peer::Next(const Told& told) {
  const AddCheckpoint& newest = told.steps.back().request;
  if (!told.size) return newest;
  AddCheckpoint direct = newest;
  direct.old_size = *told.size;
  direct.proof.clear();
  // From nothing, and to the same tree, no proof is needed.
  if (told.size->value == 0 || *told.size == newest.checkpoint.size) return direct;
  for (const Step& step : told.steps) {
    if (step.request.old_size == *told.size && step.request.checkpoint.size > *told.size)
      return step.request;
  }
  return {};
}

std::string Peer::TellLog(const std::string& log_name, std::stop_token stop) {
  Told told;
  {
    const std::lock_guard lock(mutex_);
    told = logs_[log_name];
  }
  bool agreed = false;
  // It may tell another size each time; then it is asked again with the next checkpoint.
  for (std::size_t attempt = 0; attempt < kMostSteps + 2 && !agreed; ++attempt) {
    const auto request = Next(told);
    if (!request) break;
    const std::string body = FormatAddCheckpoint(*request);
    const Result<client::Reply> reply = Ask("/add-checkpoint", &body, stop);
    if (!reply.ok()) return reply.error().message;
    const client::Reply& answer = reply.value();
    if (answer.status == 200) {
      told.size = request->checkpoint.size;
      agreed = request->checkpoint.size == told.steps.back().request.checkpoint.size;
    } else if (answer.status == 409 && answer.body.ends_with('\n')) {
      const auto size = ParseDecimal(
          std::string_view(answer.body).substr(0, answer.body.size() - 1), kMaxTreeSize.value);
      if (!size || (told.size && told.size->value == *size)) return "it answers 409 and no size";
      told.size = TreeSize{*size};
    } else if (answer.status == 422) {
      Compare(told, stop);
      break;
    } else {
      return "it answers " + std::to_string(answer.status);
    }
  }
  const std::lock_guard lock(mutex_);
  Told& now = logs_[log_name];
  now.size = told.size;
  const bool newer =
      now.steps.back().request.checkpoint.size != told.steps.back().request.checkpoint.size;
  now.pending = newer;
  if (newer) background_.Wake();
  return {};
}

void Peer::Compare(const Told& told, std::stop_token stop) {
  const std::string& origin = told.steps.back().request.checkpoint.origin;
  const auto say = [&](const char* what) {
    log_.Write(Level::kError, what, {{"target", background_.name()}, {"origin", origin}});
  };
  const Result<client::Reply> reply =
      Ask("/" + told.steps.back().name + "/checkpoint", nullptr, stop);
  if (!reply.ok() || reply.value().status != 200)
    return say("a peer does not find the log's checkpoint consistent, and shows no other");
  Result<SignedNote> note = ParseNote(reply.value().body);
  if (!note.ok()) return say("a peer shows what is no checkpoint");
  Result<Checkpoint> checkpoint = ParseCheckpoint(note.value().text);
  if (!checkpoint.ok() || checkpoint.value().origin != origin)
    return say("a peer shows what is no checkpoint of the log");
  const auto ours = std::find_if(told.steps.begin(), told.steps.end(), [&](const Step& step) {
    return step.request.checkpoint.size == checkpoint.value().size;
  });
  if (ours == told.steps.end() || ours->request.checkpoint.root == checkpoint.value().root)
    return say("a peer does not find the log's checkpoint consistent with what it has seen");
  const std::vector<VerifierKey>& keys = ours->keys;
  std::erase_if(note.value().signatures, [&](const NoteSignature& line) {
    return std::none_of(keys.begin(), keys.end(), [&](const VerifierKey& key) {
      const SignedNote alone{note.value().text, {line}};
      const Result<bool> is_signed = IsSignedBy(alone, key);
      return is_signed.ok() && is_signed.value();
    });
  });
  if (note.value().signatures.empty())
    return say("a peer shows a checkpoint that the log has not signed");
  const WitnessedLog log{keys,
                         CosignedCheckpoint{ours->request.note, ours->request.checkpoint, {}}};
  try {
    const auto kept = evidence_.Keep({Evidence::Kind::kOtherRoot,
                                      &log,
                                      std::move(note).value(),
                                      std::move(checkpoint).value(),
                                      {}},
                                     now_());
    if (kept)
      log_.Write(
          Level::kError,
          "the log has signed two trees of one size, and shown one to us and one to a peer: it "
          "has lied",
          {{"target", background_.name()}, {"origin", origin}, {"evidence", *kept}});
  } catch (const std::exception& reason) {
    log_.Write(Level::kError, "evidence against a log cannot be kept",
               {{"origin", origin}, {"error", reason.what()}});
  }
}

Result<client::Reply> Peer::Ask(const std::string& path, const std::string* body,
                                std::stop_token stop) {
  std::string url = prefix_;
  while (url.ends_with('/')) url.pop_back();
  return client_.Ask({.url = url + path, .body = body}, stop);
}

}  // namespace bulla::witness
