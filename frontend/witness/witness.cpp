#include "witness/witness.h"

#include <algorithm>
#include <utility>

namespace bulla::witness {

using service::Level;

// A request and what was decided, until it is answered.
struct Witness::Judged {
  Reply reply;
  // Where it is to be cosigned.
  std::optional<CosignedCheckpoint> cosign = {};
  std::optional<Step> step = {};
  // It was judged by what this batch changes: where that is not remembered, the answer would be wrong.
  bool depends_on_changes = false;
};

namespace {

int StatusOf(WitnessAnswer answer) {
  switch (answer) {
    case WitnessAnswer::kUnknownOrigin:
      return 404;
    case WitnessAnswer::kNotSigned:
      return 403;
    case WitnessAnswer::kTreeShrank:
      return 400;
    case WitnessAnswer::kOtherOldSize:
      return 409;
    case WitnessAnswer::kOtherRoot:
    case WitnessAnswer::kNotProved:
      return 422;
    case WitnessAnswer::kCosign:
      return 200;
  }
  return 503;
}

// Without the signatures of others: nobody vouches for them, and they take room.
SignedNote OfLog(const SignedNote& note, const std::vector<VerifierKey>& keys) {
  SignedNote own{note.text, {}};
  for (const NoteSignature& line : note.signatures) {
    const bool known = std::any_of(keys.begin(), keys.end(), [&](const VerifierKey& key) {
      return key.name() == line.name && key.id() == line.id;
    });
    const bool twice =
        std::find(own.signatures.begin(), own.signatures.end(), line) != own.signatures.end();
    if (known && !twice) own.signatures.push_back(line);
  }
  return own;
}

}  // namespace

Witness::Witness(StateFile state, EvidenceStore& evidence, Publisher& publisher, service::Log& log,
                 std::chrono::milliseconds refresh_every, Clock clock)
    : state_(std::move(state)),
      evidence_(evidence),
      publisher_(publisher),
      log_(log),
      refresh_every_(refresh_every),
      clock_(std::move(clock)),
      last_time_(state_.state().time.seconds) {
  Changes all;
  for (const auto& [origin, remembered] : state_.state().logs) {
    origins_.push_back(origin);
    if (!remembered.newest) continue;
    all.emplace(origin, *remembered.newest);
    // Peers hear where it stands, with a proof from there to there.
    const CosignedCheckpoint& newest = *remembered.newest;
    publisher_.Tell({NameOfOrigin(origin),
                     {newest.checkpoint.size, {}, newest.note, newest.checkpoint},
                     remembered.keys});
  }
  Show(all);
  thread_ = std::thread([this] { Work(); });
}

Witness::~Witness() { Stop(); }

bool Witness::Submit(AddJob job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || waiting_.size() >= kQueue) return false;
    waiting_.push_back(std::move(job));
  }
  changed_.notify_one();
  return true;
}

void Witness::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Witness::Work() {
  Time refresh_at = std::chrono::steady_clock::now();
  while (true) {
    std::deque<AddJob> jobs;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_until(lock, refresh_at, [this] { return stopping_ || !waiting_.empty(); });
      if (stopping_ && waiting_.empty()) return;
      while (!waiting_.empty() && jobs.size() < kBatch) {
        jobs.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
      }
    }
    if (std::chrono::steady_clock::now() >= refresh_at) {
      Refresh();
      refresh_at = std::chrono::steady_clock::now() + refresh_every_;
    }
    Process(std::move(jobs));
  }
}

std::optional<PosixTime> Witness::TimeToSign() const {
  const PosixTime now = clock_();
  const PosixTime last = state_.state().time;
  if (now >= last) return now;
  if (last.seconds - now.seconds <= kClockSlack) return last;
  return {};
}

std::uint64_t Witness::seconds_behind() const {
  const std::uint64_t now = clock_().seconds;
  const std::uint64_t last = last_time_;
  return last > now ? last - now : 0;
}

void Witness::Process(std::deque<AddJob> jobs) {
  Changes changes;
  std::vector<std::pair<AddJob, Judged>> judged;
  for (AddJob& job : jobs) {
    if (job.unwanted()) continue;
    Judged one = Judge(job, changes);
    if (one.cosign) changes.insert_or_assign(one.cosign->checkpoint.origin, *one.cosign);
    judged.emplace_back(std::move(job), std::move(one));
  }
  const auto time = TimeToSign();
  const bool done = changes.empty() || (time && Remember(changes, *time) && Show(changes));
  for (auto& [job, one] : judged) {
    if (one.depends_on_changes && !done) {
      one.reply = {503, time ? "the witness cannot write down the checkpoint: nothing was cosigned"
                             : "the witness's clock is wrong: nothing was cosigned"};
    } else if (one.cosign) {
      one.cosign->time = *time;
      one.reply = {200, FormatSignatureLine(state_.Cosign(*one.cosign))};
      publisher_.Tell(*one.step);
    }
    job.done(one.reply);
  }
  if (done) ForgetProved(changes);
}

Witness::Judged Witness::Judge(const AddJob& job, const Changes& changes) {
  const Result<AddCheckpoint> request = ParseAddCheckpoint(job.body);
  if (!request.ok()) return {{400, request.error().message}};
  return Decide(request.value(), changes);
}

Witness::Judged Witness::Decide(const AddCheckpoint& request, const Changes& changes) {
  const std::string& origin = request.checkpoint.origin;
  WitnessedLog known;
  if (const auto log = state_.state().logs.find(origin); log != state_.state().logs.end())
    known = log->second;
  const auto changed = changes.find(origin);
  if (changed != changes.end()) known.newest = changed->second;
  WitnessedTree last;
  if (known.newest) last = {known.newest->checkpoint.size, known.newest->checkpoint.root};
  const Result<WitnessVerdict> verdict = JudgeAddCheckpoint(request, known.keys, last, &hasher_);
  if (!verdict.ok()) return {{503, verdict.error().message}};
  Judged judged{{StatusOf(verdict.value().answer), verdict.value().reason}};
  judged.depends_on_changes = changed != changes.end();
  if (verdict.value().answer == WitnessAnswer::kCosign) {
    judged.depends_on_changes = true;
    judged.cosign = {OfLog(request.note, known.keys), request.checkpoint, {}};
    judged.step = {NameOfOrigin(origin), request, known.keys};
    judged.step->request.note = judged.cosign->note;
  } else if (verdict.value().answer == WitnessAnswer::kOtherOldSize) {
    judged.reply.text = std::to_string(last.size.value) + "\n";
  } else {
    KeepEvidence(verdict.value(), known, request);
  }
  return judged;
}

void Witness::KeepEvidence(const WitnessVerdict& verdict, const WitnessedLog& log,
                           const AddCheckpoint& request) {
  const bool other_root = verdict.answer == WitnessAnswer::kOtherRoot;
  // Without a tree before it a proof has nothing to lead from: the request was malformed, and nobody lied.
  const bool not_proved = verdict.answer == WitnessAnswer::kNotProved && log.newest;
  if (!other_root && !not_proved) return;
  using Kind = Evidence::Kind;
  const Evidence evidence{other_root ? Kind::kOtherRoot : Kind::kNotProved, &log,
                          OfLog(request.note, log.keys), request.checkpoint, request.proof};
  const std::string& origin = request.checkpoint.origin;
  const auto size = static_cast<std::int64_t>(request.checkpoint.size.value);
  try {
    const auto kept = evidence_.Keep(evidence, clock_());
    if (!kept) return;
    log_.Write(Level::kError,
               other_root ? "the log has signed two trees of one size: it has lied"
                          : "the log has signed a tree that was not proved to extend the last one",
               {{"origin", origin}, {"size", size}, {"evidence", *kept}});
  } catch (const std::exception& reason) {
    log_.Write(Level::kError, "evidence against a log cannot be kept",
               {{"origin", origin},
                {"size", size},
                {"root", FormatHash(request.checkpoint.root)},
                {"error", reason.what()}});
  }
}

bool Witness::Remember(const Changes& changes, PosixTime time) {
  try {
    WitnessState state = state_.state();
    state.time = time;
    for (const auto& [origin, checkpoint] : changes) {
      auto& newest = state.logs[origin].newest;
      newest = checkpoint;
      newest->time = time;
    }
    state_.Replace(std::move(state));
    last_time_ = time.seconds;
    return true;
  } catch (const std::exception& reason) {
    Fail("the state cannot be written; nothing is cosigned", reason);
    return false;
  }
}

bool Witness::Show(const Changes& changes) {
  std::vector<std::shared_ptr<const LogStatus>> fresh;
  try {
    for (const auto& [origin, unused] : changes) {
      const CosignedCheckpoint& newest = *state_.state().logs.find(origin)->second.newest;
      SignedNote note = newest.note;
      note.signatures.push_back(state_.Cosign(newest));
      fresh.push_back(std::make_shared<LogStatus>(
          LogStatus{origin, newest.checkpoint, newest.time, FormatNote(note)}));
      publisher_.Write(NameOfOrigin(origin), fresh.back()->note);
    }
  } catch (const std::exception& reason) {
    Fail("a checkpoint cannot be published; its cosignature is not given", reason);
    return false;
  }
  well_ = true;
  const std::lock_guard lock(shown_mutex_);
  for (auto& status : fresh) {
    std::string name = NameOfOrigin(status->origin);
    publisher_.Send(name, status->note);
    shown_.insert_or_assign(std::move(name), std::move(status));
  }
  return true;
}

void Witness::ForgetProved(const Changes& changes) {
  for (const auto& [origin, checkpoint] : changes) {
    try {
      evidence_.NoteProved(checkpoint.checkpoint);
    } catch (const std::exception& reason) {
      log_.Write(Level::kWarning, "evidence cannot be marked as proved",
                 {{"origin", origin}, {"error", reason.what()}});
    }
  }
}

void Witness::Refresh() {
  try {
    evidence_.Rescan();
  } catch (const std::exception& reason) {
    log_.Write(Level::kError, "the evidence cannot be read", {{"error", reason.what()}});
  }
  const auto time = TimeToSign();
  if (!time) {
    log_.Write(Level::kError, "the clock is behind the last cosignature; nothing is cosigned",
               {{"seconds_behind", static_cast<std::int64_t>(seconds_behind())}});
    return;
  }
  Changes trusted;
  for (const auto& [origin, log] : state_.state().logs) {
    if (log.newest && !log.keys.empty()) trusted.emplace(origin, *log.newest);
  }
  if (!trusted.empty() && Remember(trusted, *time)) Show(trusted);
}

void Witness::Fail(std::string_view what, const std::exception& reason) {
  well_ = false;
  ++failures_;
  log_.Write(Level::kError, what, {{"error", reason.what()}});
}

std::shared_ptr<const LogStatus> Witness::Find(const std::string& name) const {
  const std::lock_guard lock(shown_mutex_);
  const auto found = shown_.find(name);
  return found == shown_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<const LogStatus>> Witness::logs() const {
  std::vector<std::shared_ptr<const LogStatus>> all;
  const std::lock_guard lock(shown_mutex_);
  for (const auto& [unused, status] : shown_) all.push_back(status);
  return all;
}

}  // namespace bulla::witness
