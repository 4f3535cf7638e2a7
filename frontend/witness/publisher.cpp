#include "witness/publisher.h"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>

#include "witness/evidence.h"
#include "witness/state_file.h"

namespace bulla::witness {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "/checkpoint";
constexpr std::size_t kNameSize = 64;

std::string Where(const Checkpoint& checkpoint, PosixTime time) {
  return "size " + std::to_string(checkpoint.size.value) + " at time " +
         std::to_string(time.seconds);
}

// Why the state cannot be the one that published this; empty: it can.
std::string WhyBehind(const Checkpoint& published, PosixTime time, const WitnessState& state) {
  const auto log = state.logs.find(published.origin);
  if (log == state.logs.end() || !log->second.newest) return "which the state knows nothing of";
  const Checkpoint& newest = log->second.newest->checkpoint;
  const std::string own = ", and the state has " + Where(newest, log->second.newest->time);
  if (published.size > newest.size || time > state.time) return Where(published, time) + own;
  if (published.size == newest.size && published.root != newest.root)
    return "another root for size " + std::to_string(newest.size.value);
  return {};
}

}  // namespace

void CheckNote(const std::string& note, const std::string& place, const WitnessState& state) {
  const Result<SignedNote> parsed = ParseNote(note);
  const Result<Checkpoint> checkpoint =
      parsed.ok() ? ParseCheckpoint(parsed.value().text) : Result<Checkpoint>(parsed.error());
  if (!checkpoint.ok())
    throw StateError("what stands in " + place +
                     " is no checkpoint: " + checkpoint.error().message);
  const auto time = CosignedAt(parsed.value(), state.witness);
  if (!time.ok() || !time.value())
    throw StateError("the checkpoint in " + place + " was not cosigned by this witness, " +
                     state.witness.ToText());
  const std::string why = WhyBehind(checkpoint.value(), *time.value(), state);
  if (!why.empty())
    throw StateError("this witness has published more than its state knows: of " +
                     checkpoint.value().origin + ", in " + place + ", " + why +
                     ". The state is an old copy: to go on could contradict what was signed");
}

void Publisher::Publish(const Published& published) {
  if (directory_.empty()) return;
  const std::string place = directory_ + "/" + published.name;
  if (mkdir(place.c_str(), 0755) == 0)
    FlushDirectory(directory_);
  else if (errno != EEXIST)
    ThrowFileError(place, "cannot be made", errno);
  File unlocked;
  ReplaceFile(place + kFile, published.note, 0644, &unlocked);
}

void Publisher::CheckNotAhead(const WitnessState& state) const {
  if (directory_.empty()) return;
  std::error_code error;
  for (fs::directory_iterator at(directory_, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().filename().string().size() != kNameSize) continue;
    const std::string path = at->path().string() + kFile;
    const File file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.open() && errno == ENOENT) continue;
    if (!file.open()) ThrowFileError(path, "cannot be read", errno);
    CheckNote(ReadAll(file, path, kMaxNoteSize), path, state);
  }
  if (error)
    ThrowFileError("the directory for published checkpoints, " + directory_ + ",", "cannot be read",
                   error.value());
}

}  // namespace bulla::witness
