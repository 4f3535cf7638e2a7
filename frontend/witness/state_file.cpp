#include "witness/state_file.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bulla::witness {
namespace {

constexpr mode_t kMode = 0600;
constexpr int kAttempts = 10;

bool IsStillAt(const File& file, const std::string& path) {
  struct stat opened {
  }, named{};
  return fstat(file.descriptor(), &opened) == 0 && stat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

File Open(const std::string& path) {
  File file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file.open() && errno == ENOENT)
    throw StateError(
        "the state file " + path +
        " is missing, and its key may have signed what stood there. Bring back the newest "
        "copy; where there is none, retire the key and make a new witness");
  if (!file.open()) ThrowFileError("the state file " + path, "cannot be opened", errno);
  return file;
}

// A witness that runs replaces the file: what was opened may be gone when its lock is there.
File OpenLocked(const std::string& path) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    File file = Open(path);
    if (!Lock(file)) break;
    if (IsStillAt(file, path)) return file;
  }
  throw FileError("another witness runs with the state file " + path);
}

WitnessState ReadOpened(const File& file, const std::string& path, const VerifierKey& witness) {
  const std::string text = ReadAll(file, path, kMaxWitnessStateSize);
  Result<WitnessState> state = ReadWitnessState(text, witness);
  if (!state.ok())
    throw StateError("the state file " + path + " cannot be used: " + state.error().message);
  return std::move(state).value();
}

std::string Format(const WitnessState& state, const Ed25519Signer& signer) {
  Result<std::string> text = FormatWitnessState(state, signer);
  if (!text.ok()) throw std::runtime_error(text.error().message);
  return std::move(text).value();
}

void RefuseExisting(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0)
    throw FileError(path + " is there already: a witness is made once, and nothing is overwritten");
}

}  // namespace

VerifierKey StateFile::Create(const std::string& key_path, const std::string& path,
                              const std::string& name,
                              std::map<std::string, WitnessedLog, std::less<>> logs) {
  const NewKey key(name);
  RefuseExisting(key_path);
  RefuseExisting(path);
  CreateFile(path, Format({key.verifier(), {}, std::move(logs)}, key.signer()), kMode);
  try {
    key.Write(key_path);
  } catch (...) {
    unlink(path.c_str());
    throw;
  }
  return key.verifier();
}

WitnessState ReadState(const std::string& path, const VerifierKey& witness) {
  return ReadOpened(Open(path), path, witness);
}

StateFile::StateFile(const std::string& key_path, const std::string& path)
    : path_(path),
      key_(OpenKey(key_path)),
      file_(OpenLocked(path)),
      state_(ReadOpened(file_, path, key_.verifier)) {}

void StateFile::Replace(WitnessState state) {
  ReplaceFile(path_, Format(state, key_.signer), kMode, &file_);
  state_ = std::move(state);
}

NoteSignature StateFile::Cosign(const CosignedCheckpoint& checkpoint) const {
  Result<NoteSignature> signature =
      bulla::Cosign(checkpoint.note.text, checkpoint.time, key_.verifier.name(), key_.signer);
  if (!signature.ok()) throw std::runtime_error(signature.error().message);
  return std::move(signature).value();
}

}  // namespace bulla::witness
