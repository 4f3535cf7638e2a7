// Reads the KEK out of a file that the setting bulla.kek names. docs/spec/keys.md.
#pragma once

#include <string>

#include "core/kek.h"
#include "core/result.h"

namespace bulla {

// Reads a KEK: 32 bytes in base64 with padding, at most one line end behind it, in a file as ReadSecretFile
// wants it, with its errors. kFailedPrecondition for any other content.
Result<Kek> LoadKeyFile(const std::string& path, const std::string& data_directory);

}  // namespace bulla
