#include "kms/secret_file.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bulla {
namespace {

Error SystemError(const SecretFile& file, const char* what, int reason) {
  const Code code = reason == ENOENT || reason == ENOTDIR ? Code::kNotFound
                    : reason == EACCES || reason == EPERM ? Code::kPermissionDenied
                                                          : Code::kUnavailable;
  return SecretFileError(code, file,
                         std::string(what) + ": " + std::system_category().message(reason));
}

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};
struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};

// A file or directory whatever it is called: symbolic links and bind mounts lead to the same one.
struct Identity {
  dev_t device;
  ino_t inode;
  bool operator==(const Identity&) const = default;
};
Identity IdentityOf(const struct stat& status) { return {status.st_dev, status.st_ino}; }

struct ForbiddenDirectory {
  Identity identity;
  const char* what;
};

// 0, or errno. A directory that is not there has nothing under it.
int AddForbidden(const std::string& directory, const char* what,
                 std::vector<ForbiddenDirectory>* forbidden) {
  struct stat status;
  if (stat(directory.c_str(), &status) != 0) return errno == ENOENT ? 0 : errno;
  forbidden->push_back({IdentityOf(status), what});
  return 0;
}

// What a base backup copies: the data directory, its WAL, and where each tablespace's link leads.
int CollectForbidden(const std::string& data_directory,
                     std::vector<ForbiddenDirectory>* forbidden) {
  struct stat status;
  if (stat(data_directory.c_str(), &status) != 0) return errno;
  forbidden->push_back({IdentityOf(status), "the data directory"});
  if (int failed = AddForbidden(data_directory + "/pg_wal", "the WAL directory", forbidden))
    return failed;
  const std::string tablespaces = data_directory + "/pg_tblspc";
  const std::unique_ptr<DIR, CloseDirectory> directory(opendir(tablespaces.c_str()));
  if (!directory) return errno == ENOENT ? 0 : errno;
  while (true) {
    errno = 0;
    const dirent* const entry = readdir(directory.get());
    if (entry == nullptr) return errno;
    if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0) continue;
    if (int failed = AddForbidden(tablespaces + "/" + entry->d_name, "a tablespace", forbidden))
      return failed;
  }
}

// Walks from the file up to the root and refuses a forbidden directory on the way.
Result<void> CheckPlace(const SecretFile& file, const struct stat& opened,
                        const std::string& data_directory) {
  std::vector<ForbiddenDirectory> forbidden;
  if (const int failed = CollectForbidden(data_directory, &forbidden))
    return SecretFileError(Code::kUnavailable, file,
                           "cannot be told to lie outside the data directory: " +
                               std::system_category().message(failed));
  const std::unique_ptr<char, FreeMemory> resolved(realpath(file.path.c_str(), nullptr));
  if (!resolved) return SystemError(file, "cannot be resolved", errno);
  std::string place = resolved.get();
  struct stat status;
  if (stat(place.c_str(), &status) != 0) return SystemError(file, "cannot be resolved", errno);
  if (IdentityOf(status) != IdentityOf(opened))
    return SecretFileError(Code::kFailedPrecondition, file, "was replaced while it was read");
  while (place.size() > 1) {
    const size_t slash = place.rfind('/');
    place.resize(slash == 0 ? 1 : slash);
    if (stat(place.c_str(), &status) != 0) return SystemError(file, "cannot be resolved", errno);
    for (const ForbiddenDirectory& directory : forbidden) {
      if (directory.identity != IdentityOf(status)) continue;
      return SecretFileError(Code::kFailedPrecondition, file,
                             std::string("lies under ") + directory.what,
                             "Keep it where no base backup takes it along, for example in /etc.");
    }
  }
  return {};
}

// Judges the opened file itself, so nothing can be swapped between the check and the reading.
Result<void> CheckFile(const SecretFile& file, const struct stat& status) {
  if (!S_ISREG(status.st_mode))
    return SecretFileError(Code::kFailedPrecondition, file, "is not a regular file");
  if (status.st_uid != geteuid() && status.st_uid != 0)
    return SecretFileError(
        Code::kFailedPrecondition, file, "belongs to user id " + std::to_string(status.st_uid),
        "Allowed: user id " + std::to_string(geteuid()) + ", who runs the server, or root.");
  if ((status.st_mode & 077) != 0) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(status.st_mode & 07777));
    return SecretFileError(Code::kFailedPrecondition, file, std::string("has mode ") + mode,
                           "Allowed: 0600 or stricter, no right for group or others.");
  }
  if (status.st_nlink != 1)
    return SecretFileError(
        Code::kFailedPrecondition, file, "has more than one hard link",
        "A second link may lie under the data directory; copy the file instead.");
  return {};
}

// The first bytes of it.
Result<SecretBytes> Read(const SecretFile& file, int descriptor, size_t most) {
  Result<SecretBytes> content = SecretBytes::Allocate(most);
  if (!content.ok()) return content;
  const MutableBytes room = content.value().RevealSecretBytes();
  size_t size = 0;
  while (size < room.size()) {
    const ssize_t got = read(descriptor, room.data() + size, room.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(file, "cannot be read", errno);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  if (size == 0) return SecretBytes();
  return SecretBytes::CopyOf(room.first(size));
}

}  // namespace

Error SecretFileError(Code code, const SecretFile& file, const std::string& problem,
                      std::string hint) {
  return Error{code,
               std::string(file.what) + " \"" + file.path + "\" of setting bulla.kek " + problem,
               std::move(hint)};
}

Result<SecretBytes> ReadSecretFile(const SecretFile& file, const std::string& data_directory,
                                   size_t most) {
  // O_NONBLOCK: a named pipe must not hang the server before it is seen to be one.
  const File opened(open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (opened.descriptor() < 0) return SystemError(file, "cannot be opened", errno);
  struct stat status;
  if (fstat(opened.descriptor(), &status) != 0) return SystemError(file, "cannot be read", errno);
  if (Result<void> checked = CheckFile(file, status); !checked.ok()) return checked.error();
  if (Result<void> checked = CheckPlace(file, status, data_directory); !checked.ok())
    return checked.error();
  return Read(file, opened.descriptor(), most);
}

}  // namespace bulla
