#include "witness/read_back.h"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>

#include "witness/evidence.h"
#include "witness/publisher.h"
#include "witness/state_file.h"

namespace bulla::witness {
namespace {

namespace fs = std::filesystem;

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

}  // namespace

void CheckDirectory(const std::string& directory, const WitnessState& state) {
  if (directory.empty()) return;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    if (at->path().filename().string().size() != kNameSize) continue;
    const std::string path = at->path().string() + "/checkpoint";
    const File file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.open() && errno == ENOENT) continue;
    if (!file.open()) ThrowFileError(path, "cannot be read", errno);
    CheckNote(ReadAll(file, path, kMaxNoteSize), path, state);
  }
  if (error)
    ThrowFileError("the directory for published checkpoints, " + directory + ",", "cannot be read",
                   error.value());
}

void CheckPrefixes(const std::vector<std::string>& prefixes, const client::Rules& rules,
                   const WitnessState& state) {
  if (prefixes.empty()) return;
  client::HttpClient client = MakeClient(rules);
  for (std::string prefix : prefixes) {
    while (prefix.ends_with('/')) prefix.pop_back();
    for (const auto& [origin, unused] : state.logs) {
      const std::string url = prefix + "/" + NameOfOrigin(origin) + "/checkpoint";
      const Result<client::Reply> reply = client.Ask({.url = url});
      if (reply.ok() && reply.value().status == 404) continue;
      if (!reply.ok() || reply.value().status != 200)
        throw ReadBackError("what was published cannot be read back from " + url + ": " +
                            (reply.ok() ? "status " + std::to_string(reply.value().status)
                                        : reply.error().message));
      CheckNote(reply.value().body, url, state);
    }
  }
}

}  // namespace bulla::witness
