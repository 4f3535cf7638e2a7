#include "witness/evidence.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hex.h"
#include "core/proof_file.h"
#include "core/sha256.h"
#include "witness/files.h"

namespace bulla::witness {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kAcknowledged = ".acknowledged";
constexpr std::string_view kProved = ".proved";
constexpr std::string_view kOtherRoot = "other-root";
constexpr std::string_view kNotProved = "not-proved";
constexpr std::size_t kOriginDigits = 16;
constexpr std::size_t kContentDigits = 16;

std::string_view NameOf(Evidence::Kind kind) {
  return kind == Evidence::Kind::kOtherRoot ? kOtherRoot : kNotProved;
}

std::string HexSha256(std::string_view text) {
  Sha256 hasher;
  Sha256Digest digest;
  hasher.Start();
  hasher.Update(AsBytes(text));
  if (!hasher.Finish(&digest)) throw std::runtime_error("SHA-256 fails");
  std::string digits(2 * digest.bytes.size(), '\0');
  EncodeHex(digest.bytes, digits.data());
  return digits;
}

std::string OldText(const Evidence& evidence) {
  return evidence.log->newest ? evidence.log->newest->note.text : std::string();
}

// The same for the same two trees, whatever was sent as a proof.
std::string NameOf(const Evidence& evidence) {
  const std::string content = OldText(evidence) + "\n" + evidence.note.text;
  return NameOfOrigin(evidence.checkpoint.origin).substr(0, kOriginDigits) + "-" +
         std::string(NameOf(evidence.kind)) + "-" + HexSha256(content).substr(0, kContentDigits);
}

std::string About(const Evidence& evidence, PosixTime time, const VerifierKey& witness) {
  std::string text = "bulla.witness-evidence.v1\nkind ";
  text.append(NameOf(evidence.kind)).append("\ntime ").append(std::to_string(time.seconds));
  text.append("\nwitness ").append(witness.ToText()).append("\n");
  for (const VerifierKey& key : evidence.log->keys)
    text.append("trust ")
        .append(key.ToText())
        .append(" ")
        .append(evidence.checkpoint.origin)
        .append("\n");
  return text;
}

// A new directory that gets its name when all is in it.
class Unfinished {
 public:
  explicit Unfinished(std::string path) : path_(std::move(path)) {
    std::error_code ignored;  // what a crash left there
    fs::remove_all(path_, ignored);
    if (mkdir(path_.c_str(), 0750) != 0) ThrowFileError(path_, "cannot be made", errno);
  }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }

  void Add(const char* name, std::string_view content) const {
    CreateFile(path_ + "/" + name, content, 0640);
  }
  void Finish(const std::string& path) {
    if (rename(path_.c_str(), path.c_str()) != 0) ThrowFileError(path, "cannot be made", errno);
    path_.clear();
  }

 private:
  std::string path_;
};

std::vector<std::string> NamesIn(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
    names.push_back(at->path().filename().string());
  if (error) ThrowFileError(directory, "cannot be read", error.value());
  std::sort(names.begin(), names.end());
  return names;
}

// What waits has no ending; what is being written begins with a dot.
bool Waits(const std::string& name) { return name.find('.') == name.npos; }

Result<Checkpoint> ReadNew(const std::string& path) {
  const File file(open((path + "/new").c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.open()) return Error{Code::kNotFound, "it has no checkpoint"};
  const Result<SignedNote> note = ParseNote(ReadAll(file, path, kMaxNoteSize));
  if (!note.ok()) return note.error();
  return ParseCheckpoint(note.value().text);
}

void Rename(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0) ThrowFileError(from, "cannot be renamed", errno);
  FlushDirectory(DirectoryOf(from));
}

}  // namespace

std::string NameOfOrigin(std::string_view origin) { return HexSha256(origin); }

EvidenceStore::EvidenceStore(std::string directory, VerifierKey witness)
    : directory_(std::move(directory)), witness_(std::move(witness)) {
  if (mkdir(directory_.c_str(), 0750) != 0 && errno != EEXIST)
    ThrowFileError(directory_, "cannot be made", errno);
  Rescan();
}

void EvidenceStore::Rescan() {
  std::vector<Pending> found;
  for (const std::string& name : NamesIn(directory_)) {
    if (!Waits(name)) continue;
    const Result<Checkpoint> checkpoint = ReadNew(directory_ + "/" + name);
    if (!checkpoint.ok()) continue;
    const bool proof_failed = name.find(kNotProved) != name.npos;
    found.push_back({name, proof_failed ? Evidence::Kind::kNotProved : Evidence::Kind::kOtherRoot,
                     checkpoint.value()});
  }
  const std::lock_guard lock(mutex_);
  pending_ = std::move(found);
}

std::optional<std::string> EvidenceStore::Keep(const Evidence& evidence, PosixTime time) {
  const std::string name = NameOf(evidence);
  const std::string path = directory_ + "/" + name;
  const std::lock_guard lock(mutex_);
  const auto same = std::count_if(pending_.begin(), pending_.end(), [&](const Pending& one) {
    return one.kind == evidence.kind && one.checkpoint.origin == evidence.checkpoint.origin;
  });
  if (static_cast<std::size_t>(same) >= kMostPending) return {};
  for (const std::string_view ending : {std::string_view(), kAcknowledged, kProved}) {
    if (fs::exists(path + std::string(ending))) return {};
  }
  try {
    Unfinished made(directory_ + "/.new");
    if (evidence.log->newest) made.Add("old", FormatNote(evidence.log->newest->note));
    made.Add("new", FormatNote(evidence.note));
    std::string proof;
    for (const NodeHash& hash : evidence.proof) proof += FormatHash(hash) + "\n";
    made.Add("proof", proof);
    made.Add("about", About(evidence, time, witness_));
    made.Finish(path);
    FlushDirectory(directory_);
  } catch (...) {
    unkept_.push_back(evidence.checkpoint.origin);
    throw;
  }
  pending_.push_back({name, evidence.kind, evidence.checkpoint});
  return path;
}

void EvidenceStore::NoteProved(const Checkpoint& checkpoint) {
  const std::lock_guard lock(mutex_);
  for (auto one = pending_.begin(); one != pending_.end();) {
    const Checkpoint& refused = one->checkpoint;
    const bool proved = one->kind == Evidence::Kind::kNotProved &&
                        refused.origin == checkpoint.origin && refused.size == checkpoint.size &&
                        refused.root == checkpoint.root;
    if (!proved) {
      ++one;
      continue;
    }
    const std::string path = directory_ + "/" + one->name;
    one = pending_.erase(one);
    Rename(path, path + std::string(kProved));
  }
}

bool EvidenceStore::consistent(const std::string& origin) const {
  const std::lock_guard lock(mutex_);
  return std::none_of(pending_.begin(), pending_.end(),
                      [&](const Pending& one) { return one.checkpoint.origin == origin; }) &&
         std::find(unkept_.begin(), unkept_.end(), origin) == unkept_.end();
}

std::vector<std::string> AcknowledgeEvidence(const std::string& directory,
                                             const std::string& origin) {
  std::vector<std::string> acknowledged;
  for (const std::string& name : NamesIn(directory)) {
    if (!Waits(name)) continue;
    const std::string path = directory + "/" + name;
    const Result<Checkpoint> checkpoint = ReadNew(path);
    if (!checkpoint.ok() || (!origin.empty() && checkpoint.value().origin != origin)) continue;
    Rename(path, path + std::string(kAcknowledged));
    acknowledged.push_back(path + std::string(kAcknowledged));
  }
  return acknowledged;
}

}  // namespace bulla::witness
