// Files that are there as a whole or not at all, also after a crash.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace bulla::witness {

// What a file is, and what the system said.
struct FileError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
[[noreturn]] void ThrowFileError(const std::string& path, const char* what, int reason);

// A descriptor, closed with it.
class File {
 public:
  File() = default;
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();

  int descriptor() const { return descriptor_; }
  bool open() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
};

// The whole content; throws FileError, also where it is longer than `most` or no regular file.
std::string ReadAll(const File& file, const std::string& path, std::size_t most);

// Writes a new file beside the path, flushes it, puts it in the place of the path and flushes the directory. Whoever reads
// the path finds the old content or the new one. The new file is locked (flock) before it has its name, and takes the place of
// `held`. After an error the path has its old content, unless only the flush of the directory failed: then it has
// the new one, and a crash may bring the old one back.
void ReplaceFile(const std::string& path, std::string_view content, mode_t mode, File* held);

// Likewise where nothing may be at the path yet.
void CreateFile(const std::string& path, std::string_view content, mode_t mode);

// Whether nobody else has it: a lock that ends with the descriptor.
bool Lock(const File& file);

// What stands in the directory is there after a crash.
void FlushDirectory(const std::string& directory);
std::string DirectoryOf(const std::string& path);

}  // namespace bulla::witness
