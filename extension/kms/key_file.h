// The KEK in a file, named by the setting bulla.kek = 'file:PATH'. docs/spec/keys.md.
#pragma once

#include <string>
#include <string_view>

#include "core/kek.h"
#include "core/result.h"

namespace bulla {

// The path out of the setting's value. kFailedPrecondition when it is empty, kInvalidArgument for
// another scheme or a path that is not absolute; the hint says what is allowed.
Result<std::string> ParseKekSetting(std::string_view setting);

// Reads a KEK: 32 bytes in base64 with padding, at most one line end behind it, in a regular file of
// the effective user or root that nobody else has any right to and no other directory links to.
// Refused (kFailedPrecondition) when, with symbolic links resolved, it lies under the data directory,
// its pg_wal, or a tablespace: a base backup would carry it along with what it protects.
// kNotFound when there is no such file, kPermissionDenied when it may not be read. Every message
// names the setting and the path, none what is in the file.
Result<Kek> LoadKeyFile(const std::string& path, const std::string& data_directory);

}  // namespace bulla
