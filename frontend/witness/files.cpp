#include "witness/files.h"

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bulla::witness {
namespace {

// Removes a file that did not get its name.
class Unfinished {
 public:
  explicit Unfinished(std::string path) : path_(std::move(path)) {}
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() {
    if (!path_.empty()) unlink(path_.c_str());
  }
  void Finish() { path_.clear(); }

 private:
  std::string path_;
};

void WriteAll(const File& file, const std::string& path, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = write(file.descriptor(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) ThrowFileError(path, "cannot be written", errno);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fsync(file.descriptor()) != 0) ThrowFileError(path, "cannot be flushed", errno);
}

// A new file beside the path. What a crash left there is of no use.
std::string NameBeside(const std::string& path) { return path + ".new"; }

File WriteBeside(const std::string& path, std::string_view content, mode_t mode) {
  const std::string beside = NameBeside(path);
  if (unlink(beside.c_str()) != 0 && errno != ENOENT)
    ThrowFileError(beside, "cannot be removed", errno);
  File file(open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!file.open()) ThrowFileError(beside, "cannot be made", errno);
  Unfinished unfinished(beside);
  if (!Lock(file)) ThrowFileError(beside, "cannot be locked", EWOULDBLOCK);
  WriteAll(file, beside, content);
  unfinished.Finish();
  return file;
}

}  // namespace

void ThrowFileError(const std::string& path, const char* what, int reason) {
  throw FileError(path + " " + what + ": " + std::system_category().message(reason));
}

File::File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
File& File::operator=(File&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}
File::~File() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::string ReadAll(const File& file, const std::string& path, std::size_t most) {
  struct stat status {};
  if (fstat(file.descriptor(), &status) != 0) ThrowFileError(path, "cannot be read", errno);
  if (!S_ISREG(status.st_mode)) throw FileError(path + " is not a regular file");
  if (static_cast<std::size_t>(status.st_size) > most)
    throw FileError(path + " is larger than " + std::to_string(most) + " bytes");
  std::string content(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = pread(file.descriptor(), content.data() + size, content.size() - size,
                              static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) ThrowFileError(path, "cannot be read", errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  content.resize(size);
  return content;
}

void ReplaceFile(const std::string& path, std::string_view content, mode_t mode, File* held) {
  File file = WriteBeside(path, content, mode);
  Unfinished unfinished(NameBeside(path));
  if (rename(NameBeside(path).c_str(), path.c_str()) != 0)
    ThrowFileError(path, "cannot be replaced", errno);
  unfinished.Finish();
  *held = std::move(file);
  FlushDirectory(DirectoryOf(path));
}

void CreateFile(const std::string& path, std::string_view content, mode_t mode) {
  const File file = WriteBeside(path, content, mode);
  const Unfinished unfinished(NameBeside(path));
  if (link(NameBeside(path).c_str(), path.c_str()) != 0)
    ThrowFileError(path, "cannot be made", errno);
  FlushDirectory(DirectoryOf(path));
}

bool Lock(const File& file) {
  while (flock(file.descriptor(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

void FlushDirectory(const std::string& directory) {
  const File file(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file.open()) ThrowFileError(directory, "cannot be opened", errno);
  if (fsync(file.descriptor()) != 0) ThrowFileError(directory, "cannot be flushed", errno);
}

std::string DirectoryOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return path.substr(0, slash == 0 ? 1 : slash);
}

}  // namespace bulla::witness
