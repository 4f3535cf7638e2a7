// Files that hold secrets, and what such a file must be like. docs/spec/keys.md.
#pragma once

#include <string>

#include "core/result.h"
#include "core/secret_bytes.h"

namespace bulla {

// The content, or its first `most` bytes, of a regular file of the effective user or root that nobody else has any right to and no
// other directory links to. Refused (kFailedPrecondition) when, with symbolic links resolved, it lies under
// the data directory, its pg_wal, or a tablespace: a base backup would carry it along with what it protects.
// kNotFound when there is no such file, kPermissionDenied when it may not be read. Every message begins with
// `what` ("KEK file"), names the path and the setting, and tells nothing of what is in the file.
struct SecretFile {
  const char* what;
  std::string path;
};
Result<SecretBytes> ReadSecretFile(const SecretFile& file, const std::string& data_directory,
                                   size_t most);

// `what` of the file and of the setting, for other errors about it.
Error SecretFileError(Code code, const SecretFile& file, const std::string& problem,
                      std::string hint = {});

}  // namespace bulla
