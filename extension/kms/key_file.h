// Reads the KEK out of a file that the setting bulla.kek names. docs/spec/keys.md.
#pragma once

#include <string>

#include "core/kek.h"
#include "core/result.h"

namespace bulla {

// Reads a KEK: 32 bytes in base64 with padding, at most one line end behind it, in a regular file of
// the effective user or root that nobody else has any right to and no other directory links to.
// Refused (kFailedPrecondition) when, with symbolic links resolved, it lies under the data directory,
// its pg_wal, or a tablespace: a base backup would carry it along with what it protects.
// kNotFound when there is no such file, kPermissionDenied when it may not be read. Every message
// names the setting and the path, none what is in the file.
Result<Kek> LoadKeyFile(const std::string& path, const std::string& data_directory);

}  // namespace bulla
