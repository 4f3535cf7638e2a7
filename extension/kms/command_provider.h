// A program that wraps and unwraps: 'command:NAME:PROGRAM ARGUMENT…'. It gets the operation (%o) and the
// KEK's id (%k) among its arguments, the bytes on its standard input, and answers on its standard output.
// docs/encryption.md.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kms/provider.h"

namespace bulla {

// kInvalidArgument for a name that is not letters, digits, '.', '_' and '-', 1 to 64 of them, and for
// what SplitCommandLine refuses.
Result<std::unique_ptr<KekProvider>> OpenCommandProvider(std::string_view rest,
                                                         const ProviderEnvironment& environment);

// The words of a command line: separated by spaces, what stands in single or double quotes is taken as it
// is. No shell is involved, nothing else has a meaning. kInvalidArgument for an open quote, or where the
// first word is no absolute path.
Result<std::vector<std::string>> SplitCommandLine(std::string_view line);

// %o, %k and %% replaced; any other use of % is kInvalidArgument.
Result<std::string> FillPlaceholders(std::string_view word, std::string_view operation,
                                     std::string_view kek_id);

}  // namespace bulla
